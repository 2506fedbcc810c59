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
create index ledger_receipt_size on {schema}.ledger_receipt(size, position);

-- Written by the signer when it refuses to sign: while a row stands here nothing is appended. Two people remove it (CONTRACT §3).
create table {schema}.ledger_stop(
  reason text not null);

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
grant insert on {schema}.ledger_stop to {tenant}_signer;
grant select, insert (position) on {schema}.ledger_receipt to {tenant}_web;

-- One batch in one statement, so that a commit costs one round trip. False and nothing written where the head has moved, a
-- stream is not at the version that its command read, a key is taken, or the clocks differ: the writer then looks again under
-- the head lock and answers each command by itself. {events} spans the tenant's record chains.
create function {schema}.ledger_append(
  head_position bigint, head_hash bytea, new_position bigint, new_hash bytea, new_frontier bytea, stamped_us bigint, app_now timestamptz,
  read_streams uuid[], read_versions bigint[],
  claim_kinds text[], claim_keys text[], claim_owners uuid[], freed_kinds text[], freed_keys text[],
  series_names text[], series_values bigint[],
  positions bigint[], streams uuid[], versions bigint[], topics text[], meta_salts bytea[], metas bytea[], meta_commits bytea[],
  body_salts bytea[], bodies bytea[], body_commits bytea[], leaves bytea[], hashes bytea[])
returns boolean language plpgsql as $$
declare
  inserted bigint;
begin
  perform 1 from {schema}.ledger_head where id = 1 and position = head_position and chain_hash = head_hash for update;
  if not found or exists (select 1 from {schema}.ledger_stop) then return false; end if;
  if app_now is not null and abs(extract(epoch from {tenant}.ledger_now() - app_now)) > 2 then return false; end if;
  if exists (select 1 from {tenant}.ledger_chain c join {tenant}.ledger_chain mine on mine.schema = '{schema}'
             where c.chain_no > mine.chain_no and c.chain_id like '%/record/%') then return false; end if;
  if exists (select 1 from unnest(read_streams, read_versions) r(s, v)
             where v <> coalesce((select max(e.originator_version) from {events} e where e.originator_id = r.s), 0)) then
    return false;
  end if;
  if freed_kinds <> '{}' then
    delete from {tenant}.ledger_claim c using unnest(freed_kinds, freed_keys) w(kind, key) where (c.kind, c.key) = (w.kind, w.key);
  end if;
  if claim_kinds <> '{}' then
    insert into {tenant}.ledger_claim(kind, key, originator_id)
      select * from unnest(claim_kinds, claim_keys, claim_owners) on conflict do nothing;
    get diagnostics inserted = row_count;
    if inserted <> cardinality(claim_kinds) then
      raise exception using errcode = 'DB001', message = 'a key is taken';
    end if;
  end if;
  if series_names <> '{}' then
    insert into {tenant}.ledger_counter as c (series, value) select * from unnest(series_names, series_values)
      on conflict (series) do update set value = excluded.value;
  end if;
  insert into {schema}.event(position, originator_id, originator_version, topic, recorded_at_us, meta_salt, meta, meta_commit,
                             body_salt, body, body_commit, leaf_hash, chain_hash)
    select p, s, v, t, stamped_us, ms, m, mc, bs, b, bc, l, h
    from unnest(positions, streams, versions, topics, meta_salts, metas, meta_commits, body_salts, bodies, body_commits, leaves, hashes)
      as u(p, s, v, t, ms, m, mc, bs, b, bc, l, h);
  update {schema}.ledger_head set position = new_position, chain_hash = new_hash, frontier = new_frontier, recorded_at_us = stamped_us
    where id = 1;
  return true;
end $$;
revoke all on function {schema}.ledger_append from public;
grant execute on function {schema}.ledger_append to {tenant}_writer;
