-- One tenant (municipality): what spans its chains. {tenant} is the schema and the prefix of the role names.
create schema {tenant};

-- The database clock is read here and nowhere else, so that a test can move it.
create function {tenant}.ledger_now() returns timestamptz language sql volatile as 'select clock_timestamp()';

create table {tenant}.ledger_chain(
  chain_no integer primary key check (chain_no > 0),
  chain_id text not null unique,
  schema text not null unique);

create table {tenant}.ledger_chain_predecessor(
  chain_id text not null references {tenant}.ledger_chain(chain_id),
  predecessor text not null,
  checkpoint text not null,
  primary key (chain_id, predecessor));

-- Claims: which stream owns a key from outside. Rebuilt from the facts' meta by `verify`.
create table {tenant}.ledger_claim(
  kind text not null,
  key text not null,
  originator_id uuid not null,
  primary key (kind, key));

-- Number series. Rebuilt from the facts' meta by `verify`.
create table {tenant}.ledger_counter(
  series text primary key,
  value bigint not null check (value > 0));

create function {tenant}.ledger_refuse() returns trigger language plpgsql as $$
begin
  raise exception 'the ledger is append-only: % of %.% is refused', tg_op, tg_table_schema, tg_table_name
    using errcode = 'insufficient_privilege';
end $$;

-- A body may be destroyed whole, or wrapped under another key with its salt unchanged. Nothing else ever changes.
create function {tenant}.ledger_body_only() returns trigger language plpgsql as $$
begin
  if (new.position, new.originator_id, new.originator_version, new.topic, new.recorded_at_us, new.meta_salt, new.meta,
      new.meta_commit, new.body_commit, new.leaf_hash, new.chain_hash)
     is distinct from
     (old.position, old.originator_id, old.originator_version, old.topic, old.recorded_at_us, old.meta_salt, old.meta,
      old.meta_commit, old.body_commit, old.leaf_hash, old.chain_hash) then
    raise exception 'the ledger is append-only: only a body may be destroyed or re-keyed'
      using errcode = 'insufficient_privilege';
  end if;
  if new.body is null and new.body_salt is null and new.body_key is null then
    return new;
  end if;
  -- who may destroy may not replace: other bytes under the old commitment would read as damage, not as a decision
  if current_user <> '{tenant}_disposer' and new.body is not null and new.body_salt is not distinct from old.body_salt
     and old.body is not null then
    return new;
  end if;
  raise exception 'a body is destroyed whole (body, salt and key) or re-keyed with its salt unchanged'
    using errcode = 'insufficient_privilege';
end $$;

revoke all on schema {tenant} from public;
grant usage on schema {tenant} to {tenant}_writer, {tenant}_reader, {tenant}_disposer, {tenant}_rekey, {tenant}_auditor,
  {tenant}_signer, {tenant}_work, {tenant}_web;
grant execute on function {tenant}.ledger_now() to {tenant}_writer, {tenant}_reader, {tenant}_signer, {tenant}_work;
grant select on {tenant}.ledger_chain, {tenant}.ledger_chain_predecessor, {tenant}.ledger_claim, {tenant}.ledger_counter
  to {tenant}_writer, {tenant}_reader, {tenant}_auditor, {tenant}_signer, {tenant}_work;
grant select on {tenant}.ledger_chain to {tenant}_disposer, {tenant}_rekey, {tenant}_web;
grant insert, update, delete on {tenant}.ledger_claim to {tenant}_writer;
grant insert, update on {tenant}.ledger_counter to {tenant}_writer;
