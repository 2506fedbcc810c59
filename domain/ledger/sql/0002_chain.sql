-- One chain: positions 1..n without a gap, given under the head row, never from a sequence. {schema} holds it, {tenant} owns it.
create schema if not exists {schema};

create table {schema}.event(
  position bigint primary key,
  originator_id uuid not null,
  originator_version bigint not null,
  topic text not null,
  recorded_at_us bigint not null,
  meta_salt bytea not null,
  meta bytea not null,
  meta_commit bytea not null,
  body_salt bytea,
  body bytea,
  body_key text,
  body_commit bytea not null,
  leaf_hash bytea not null,
  chain_hash bytea not null,
  unique (originator_id, originator_version));

create table {schema}.ledger_head(
  id smallint primary key check (id = 1),
  position bigint not null,
  chain_hash bytea not null,
  frontier bytea not null,
  recorded_at_us bigint not null) with (fillfactor = 20);

-- Signed tree heads that are kept: witnessed, published, receipted, and the latest.
create table {schema}.ledger_checkpoint(
  size bigint primary key,
  root bytea not null,
  note text not null);

create table {schema}.ledger_cosignature(
  size bigint not null references {schema}.ledger_checkpoint(size),
  witness text not null,
  line text not null,
  primary key (size, witness));

-- Full tiles of 256 hashes (C2SP tlog-tiles): a cache for proofs, rebuilt from the events.
create table {schema}.ledger_tile(
  level smallint not null,
  idx bigint not null,
  hashes bytea not null,
  primary key (level, idx));

-- A receipt is asked for by the web process and given by the signer, which first writes its own line outside this database.
create table {schema}.ledger_receipt(
  position bigint primary key,
  size bigint);

create trigger event_body_only before update on {schema}.event for each row execute function {tenant}.ledger_body_only();
create trigger event_no_delete before delete on {schema}.event for each row execute function {tenant}.ledger_refuse();
create trigger event_no_truncate before truncate on {schema}.event for each statement execute function {tenant}.ledger_refuse();
create trigger checkpoint_no_update before update on {schema}.ledger_checkpoint
  for each row execute function {tenant}.ledger_refuse();

grant usage on schema {schema} to {tenant}_writer, {tenant}_reader, {tenant}_disposer, {tenant}_rekey, {tenant}_auditor,
  {tenant}_signer, {tenant}_work, {tenant}_web;
grant select on all tables in schema {schema} to {tenant}_writer, {tenant}_reader, {tenant}_auditor, {tenant}_signer, {tenant}_work;
grant insert on {schema}.event to {tenant}_writer;
grant update on {schema}.ledger_head to {tenant}_writer;
grant select (position, body_salt, body, body_key) on {schema}.event to {tenant}_disposer, {tenant}_rekey;
grant update (body_salt, body, body_key) on {schema}.event to {tenant}_disposer;
grant update (body, body_key) on {schema}.event to {tenant}_rekey;
grant insert, delete on {schema}.ledger_checkpoint, {schema}.ledger_cosignature to {tenant}_signer;
grant insert on {schema}.ledger_tile to {tenant}_signer;
grant update (size) on {schema}.ledger_receipt to {tenant}_signer;
grant select, insert (position) on {schema}.ledger_receipt to {tenant}_web;
