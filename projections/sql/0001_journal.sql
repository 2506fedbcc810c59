-- The journal: one row a unit. Coded rows (screened units) stand in tables of their own from the start.
create table {schema}.case_file(
  id uuid primary key, number text not null, year integer not null, sequence integer not null, title text, status text not null,
  case_date date not null, responsible text, unit text, external_system text, discarded boolean not null,
  changed_at text not null, words text not null, view jsonb not null);
create table {schema}.case_file_coded(like {schema}.case_file including all);
create table {schema}.entry(
  id uuid primary key, case_id uuid, number text, journal_year integer, journal_sequence integer, journal_date date, entry_number integer,
  entry_type text, status text not null, title text, parties text not null, document_date date, answered boolean not null,
  external_system text, discarded boolean not null, changed_at text not null, words text not null, view jsonb not null);
create table {schema}.entry_coded(like {schema}.entry including all);
create table {schema}.document(
  id uuid primary key, title text, status text not null, document_type text not null, changed_at text not null, words text not null, view jsonb not null);
create table {schema}.document_coded(like {schema}.document including all);
create table {schema}.link(document uuid primary key, entry uuid not null, number integer not null, association text not null);
create table {schema}.erased(chain_id text, first bigint, last bigint, primary key (chain_id, first, last));

create view {schema}.cases as select * from {schema}.case_file union all select * from {schema}.case_file_coded;
create view {schema}.entries as select * from {schema}.entry union all select * from {schema}.entry_coded;
create view {schema}.documents as select * from {schema}.document union all select * from {schema}.document_coded;

create index on {schema}.case_file(year desc, sequence desc);
create index on {schema}.case_file_coded(year desc, sequence desc);
create index on {schema}.case_file(status);
create index on {schema}.entry(case_id, entry_number);
create index on {schema}.entry_coded(case_id, entry_number);
create index on {schema}.entry(journal_year desc, journal_sequence desc);
create index on {schema}.entry_coded(journal_year desc, journal_sequence desc);
create index on {schema}.entry(journal_date);
create index on {schema}.entry(status);
create index on {schema}.link(entry);

-- Norwegian and Swedish words are found alike. The index is no part of the digest: stemmers never decide what a row holds.
create index on {schema}.case_file using gin ((to_tsvector('norwegian', words) || to_tsvector('swedish', words)));
create index on {schema}.case_file_coded using gin ((to_tsvector('norwegian', words) || to_tsvector('swedish', words)));
create index on {schema}.entry using gin ((to_tsvector('norwegian', words) || to_tsvector('swedish', words)));
create index on {schema}.entry_coded using gin ((to_tsvector('norwegian', words) || to_tsvector('swedish', words)));
create index on {schema}.document using gin ((to_tsvector('norwegian', words) || to_tsvector('swedish', words)));

-- The document that holds an object: asked for by its id when a file is fetched.
create index on {schema}.document using gin ((view->'objects') jsonb_path_ops);
create index on {schema}.document_coded using gin ((view->'objects') jsonb_path_ops);
