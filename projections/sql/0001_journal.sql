-- The journal: one row a unit. A coded unit (screened itself, or by its entry or case) stands whole in a table apart, which the role of
-- the pages reads through the second wall only; in the plain table stands what everybody in reach sees of it: number, dates, status, code.
-- class: what rights ask of the row, as a key of `class`; code: the access restriction (M500) that holds for it.
create table {schema}.case_file(
  id uuid primary key, number text not null, year integer not null, sequence integer not null, title text, status text not null,
  case_date date not null, responsible text, unit text, external_system text, discarded boolean not null,
  changed_at text not null, words text not null, class uuid not null, code text, view jsonb);
create table {schema}.case_file_coded(like {schema}.case_file including all);
create table {schema}.entry(
  id uuid primary key, case_id uuid, number text, journal_year integer, journal_sequence integer, journal_date date, entry_number integer,
  entry_type text, status text not null, title text, parties text not null, document_date date, answered boolean not null,
  external_system text, discarded boolean not null, changed_at text not null, words text not null, class uuid not null, code text,
  view jsonb);
create table {schema}.entry_coded(like {schema}.entry including all);
create table {schema}.document(
  id uuid primary key, entry_id uuid, case_id uuid, title text, status text not null, document_type text not null,
  changed_at text not null, words text not null, class uuid not null, code text, view jsonb);
create table {schema}.document_coded(like {schema}.document including all);
create table {schema}.link(document uuid primary key, entry uuid not null, number integer not null, association text not null);
create table {schema}.object(id uuid primary key, document uuid not null);
create table {schema}.granted(id uuid primary key, record uuid not null, person text not null, first_day date not null, last_day date not null);
create table {schema}.erased(chain_id text, first bigint, last bigint, primary key (chain_id, first, last));
-- Each class that a row has or had. The id is a digest of the facets, so that a row of another class cannot be passed off by an edit
-- here; number: in what order they came, no part of the digest of the projection.
create table {schema}.class(id uuid primary key, number bigint generated always as identity unique, facets text not null);

create view {schema}.cases with (security_invoker = true) as
  select * from {schema}.case_file where code is null union all select * from {schema}.case_file_coded;
create view {schema}.entries with (security_invoker = true) as
  select * from {schema}.entry where code is null union all select * from {schema}.entry_coded;
create view {schema}.documents with (security_invoker = true) as
  select * from {schema}.document where code is null union all select * from {schema}.document_coded;

-- The order of a list, with what its filters and counts look at: a count reads no row.
create index on {schema}.case_file(year desc, sequence desc) include (class, status, discarded, id);
create index on {schema}.case_file(class, status, discarded);
create index on {schema}.case_file(status);
create index on {schema}.entry(case_id, entry_number);
create index on {schema}.entry_coded(case_id);
create index on {schema}.entry(journal_year desc nulls last, journal_sequence desc nulls last, id)
  include (class, status, entry_type, answered, discarded, journal_date);
create index on {schema}.entry(class, status, entry_type, answered, discarded);
create index on {schema}.entry(journal_date);
create index on {schema}.entry(status);
create index on {schema}.document(entry_id);
create index on {schema}.document(case_id);
create index on {schema}.link(entry);
create index on {schema}.granted(person);
create index on {schema}.granted(record);

-- Norwegian and Swedish words are found alike. The index is no part of the digest: stemmers never decide what a row holds.
create index on {schema}.case_file using gin ((to_tsvector('norwegian', words) || to_tsvector('swedish', words)));
create index on {schema}.case_file_coded using gin ((to_tsvector('norwegian', words) || to_tsvector('swedish', words)));
create index on {schema}.entry using gin ((to_tsvector('norwegian', words) || to_tsvector('swedish', words)));
create index on {schema}.entry_coded using gin ((to_tsvector('norwegian', words) || to_tsvector('swedish', words)));
create index on {schema}.document using gin ((to_tsvector('norwegian', words) || to_tsvector('swedish', words)));
create index on {schema}.document_coded using gin ((to_tsvector('norwegian', words) || to_tsvector('swedish', words)));
