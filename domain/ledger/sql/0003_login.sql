-- Logins of one tenant: sessions, local accounts and what limits guessing. None of it is a fact: were it lost, everybody would
-- log in, and local accounts be set up, anew. Only the role that logs people in reaches it; the role of the pages does not.
create schema {schema};

-- The cookie itself stands nowhere: token is its SHA-256.
create table {schema}.session(
  token bytea primary key check (length(token) = 32),
  person uuid not null,
  method text not null,
  acr text,
  amr text[] not null,
  administers boolean not null default false,
  acting_for uuid,
  began_at timestamptz not null,
  seen_at timestamptz not null,
  fresh_at timestamptz not null,
  login text not null);
create index on {schema}.session(person);

-- A login that has gone out to the provider. again: the session that is to be made fresh by it.
create table {schema}.under_way(
  token bytea primary key check (length(token) = 32),
  state bytea not null check (length(state) = 32),
  nonce text not null,
  verifier text not null,
  onward text not null,
  began_at timestamptz not null,
  again bytea);

-- password: Argon2id in PHC form; secret: of the one-time codes, encrypted under a key outside the database; last_step: of the
-- newest code that was used.
create table {schema}.account(
  person uuid primary key,
  password text not null,
  secret bytea not null,
  last_step bigint not null default 0,
  since timestamptz not null);
create table {schema}.recovery_code(
  person uuid not null references {schema}.account(person) on delete cascade,
  digest bytea not null check (length(digest) = 32),
  primary key (person, digest));
create table {schema}.invitation(
  token bytea primary key check (length(token) = 32),
  person uuid not null unique,
  secret bytea not null,
  ends_at timestamptz not null);

-- bucket: keyed hash of an address, or of a user name with the device that tried it.
create table {schema}.failure(
  bucket bytea primary key,
  failures integer not null,
  last_at timestamptz not null,
  closed_until timestamptz not null);
-- A browser that this person has logged in from before: strangers who fail do not close the account for it.
create table {schema}.device(
  token bytea primary key check (length(token) = 32),
  person uuid not null,
  since timestamptz not null);

revoke all on schema {schema} from public;
grant usage on schema {schema} to {tenant}_login;
grant select, insert, update, delete on all tables in schema {schema} to {tenant}_login;
