-- The second wall around the coded rows of the journal. Nobody passes by owning a table: the policies hold for the owner too.
alter table {schema}.case_file_coded enable row level security, force row level security;
alter table {schema}.entry_coded enable row level security, force row level security;
alter table {schema}.document_coded enable row level security, force row level security;

-- Who follows the log writes the rows; reader and auditor read the log itself, which holds every word of them.
create policy followed on {schema}.case_file_coded to {tenant}_work using (true) with check (true);
create policy followed on {schema}.entry_coded to {tenant}_work using (true) with check (true);
create policy followed on {schema}.document_coded to {tenant}_work using (true) with check (true);
create policy audited on {schema}.case_file_coded for select to {tenant}_reader, {tenant}_auditor using (true);
create policy audited on {schema}.entry_coded for select to {tenant}_reader, {tenant}_auditor using (true);
create policy audited on {schema}.document_coded for select to {tenant}_reader, {tenant}_auditor using (true);

-- The role of the pages: what its token was issued for, looked up once a statement.
create policy shown on {schema}.case_file_coded for select to {tenant}_web using (
  (select {tenant}_wall.everything())
  or class in (select c from {tenant}_wall.classes() c) or id in (select n from {tenant}_wall.named() n));
create policy shown on {schema}.entry_coded for select to {tenant}_web using (
  (select {tenant}_wall.everything())
  or class in (select c from {tenant}_wall.classes() c) or id in (select n from {tenant}_wall.named() n));
create policy shown on {schema}.document_coded for select to {tenant}_web using (
  (select {tenant}_wall.everything())
  or class in (select c from {tenant}_wall.classes() c) or id in (select n from {tenant}_wall.named() n));

-- Words in coded rows. A policy would have each row's words parsed, since the search operators are not leakproof (measured: 800 times
-- slower); here the index finds first, and the same question is asked of what it found.
create function {schema}.coded_cases(words text) returns setof uuid language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select f.id from {schema}.case_file_coded f
    where (to_tsvector('pg_catalog.norwegian', f.words) || to_tsvector('pg_catalog.swedish', f.words))
          @@ (websearch_to_tsquery('pg_catalog.norwegian', $1) || websearch_to_tsquery('pg_catalog.swedish', $1))
      and ((select {tenant}_wall.everything())
           or f.class in (select c from {tenant}_wall.classes() c) or f.id in (select n from {tenant}_wall.named() n));
end;
create function {schema}.coded_entries(words text) returns setof uuid language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select f.id from {schema}.entry_coded f
    where (to_tsvector('pg_catalog.norwegian', f.words) || to_tsvector('pg_catalog.swedish', f.words))
          @@ (websearch_to_tsquery('pg_catalog.norwegian', $1) || websearch_to_tsquery('pg_catalog.swedish', $1))
      and ((select {tenant}_wall.everything())
           or f.class in (select c from {tenant}_wall.classes() c) or f.id in (select n from {tenant}_wall.named() n));
end;
create function {schema}.coded_documents(words text) returns setof uuid language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select f.id from {schema}.document_coded f
    where (to_tsvector('pg_catalog.norwegian', f.words) || to_tsvector('pg_catalog.swedish', f.words))
          @@ (websearch_to_tsquery('pg_catalog.norwegian', $1) || websearch_to_tsquery('pg_catalog.swedish', $1))
      and ((select {tenant}_wall.everything())
           or f.class in (select c from {tenant}_wall.classes() c) or f.id in (select n from {tenant}_wall.named() n));
end;
revoke all on function {schema}.coded_cases(text), {schema}.coded_entries(text), {schema}.coded_documents(text) from public;
grant execute on function {schema}.coded_cases(text), {schema}.coded_entries(text), {schema}.coded_documents(text) to {tenant}_web;
