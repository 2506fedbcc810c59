-- The second wall (docs/adr/0009): what a read of coded rows is let through to, kept for one token at a time. The role of the pages
-- asks with a token that the role `gate` has issued; it can neither read nor write this table, and a token it makes up opens nothing.
create schema {tenant}_wall;

-- The token itself stands nowhere: token is its SHA-256. classes, named: the groups of records, and single ones, that are let through.
-- Unlogged: after a crash nobody holds a token, and a lost one costs a page that is asked for again.
create unlogged table {tenant}_wall.pass(
  token bytea primary key check (length(token) = 32),
  until timestamptz not null,
  everything boolean not null,
  classes uuid[] not null,
  named uuid[] not null);
create index on {tenant}_wall.pass(until);

create function {tenant}_wall.mine() returns setof {tenant}_wall.pass language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select p.token, p.until, p.everything, p.classes, p.named from {tenant}_wall.pass p
    where p.token = pg_catalog.sha256(pg_catalog.convert_to(coalesce(pg_catalog.current_setting('dagbok.token', true), ''), 'UTF8'))
      and p.until > pg_catalog.statement_timestamp();
end;

create function {tenant}_wall.everything() returns boolean language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce((select m.everything from {tenant}_wall.mine() m), false);
end;

create function {tenant}_wall.classes() returns setof uuid language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select pg_catalog.unnest(m.classes) from {tenant}_wall.mine() m;
end;

create function {tenant}_wall.named() returns setof uuid language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select pg_catalog.unnest(m.named) from {tenant}_wall.mine() m;
end;

revoke all on schema {tenant}_wall from public;
revoke all on all functions in schema {tenant}_wall from public;
grant usage on schema {tenant}_wall to {tenant}_gate, {tenant}_web, {tenant}_work;
grant select, insert, delete on {tenant}_wall.pass to {tenant}_gate;
grant execute on function {tenant}_wall.everything(), {tenant}_wall.classes(), {tenant}_wall.named() to {tenant}_web, {tenant}_work;
