-- People and what is ordered for them, one row each, so that lists and inboxes fold nobody. Instants are text: no session's zone shows.
create table {schema}.person(
  id uuid primary key, kind text, name text not null, user_name text not null, title text, words text not null);
create table {schema}.rights_order(
  id uuid primary key, person uuid not null, change text not null, stage text not null, orderer text not null, unit uuid,
  ordered_on date not null, first_day date not null, last_day date, asked_first_day date, decided_at text, stopped_at text,
  executed boolean not null, widens boolean not null, source text not null, number text, roles text[] not null, codes text[] not null,
  groups text[] not null, replaces uuid[] not null, title text, reason text, answer text, reviewed_on date, position bigint not null);
create table {schema}.access_request(
  id uuid primary key, record uuid not null, person text not null, asked_on date not null, reason text, state text not null,
  answer text, answered_by text, last_day date);
create table {schema}.idm_request(
  id uuid primary key, person uuid not null, unit uuid, roles text[] not null, codes text[] not null, groups text[] not null,
  first_day text, last_day text, number text, why text, position bigint not null);
create table {schema}.urgent_access(
  id uuid primary key, person uuid not null, case_id uuid not null, orderer text not null, hand text, confirm_by text not null,
  confirmed_at text, second_manager boolean not null, ends_at text, ended boolean not null, reviewed_on date, justified boolean,
  reason text, finding text, position bigint not null);
create table {schema}.erased(chain_id text, first bigint, last bigint, primary key (chain_id, first, last));
create index on {schema}.rights_order(person);
create index on {schema}.rights_order(stage);
create index on {schema}.rights_order(orderer);
create index on {schema}.idm_request(person);
create index on {schema}.urgent_access(person);
create index on {schema}.urgent_access(reviewed_on) where reviewed_on is null;
create index on {schema}.access_request(person);
create index on {schema}.access_request(record) where state = 'waiting';
