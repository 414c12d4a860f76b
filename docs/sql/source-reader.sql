-- What a team applies to its own database so that haida-hub can read it: a role that can do nothing else, and a function that
-- tells it up to where reading is safe. Apply it as `postgres` (on Supabase: the SQL editor), after a look at the list of
-- tables in the middle. `haida-hub source sql --role` prints this file; applying it twice does no harm.

-- 1. The role. Give it a password of its own: alter role hub_reader password '...';
do $$
begin
  if not exists (select from pg_roles where rolname = 'hub_reader') then
    create role hub_reader login noinherit nocreatedb nocreaterole connection limit 5;
  end if;
end $$;
alter role hub_reader set default_transaction_read_only = on;
alter role hub_reader set statement_timeout = '60s';
alter role hub_reader set idle_in_transaction_session_timeout = '60s';
grant usage on schema public to hub_reader;

-- 2. What it may read. Where row-level security is on, a policy lets it see every row: it reads for the whole team, and it is
-- not service_role, which could write.
do $$
declare wanted text;
begin
  foreach wanted in array array['tenants', 'projects', 'test_suites', 'test_cases', 'test_executions', 'test_results', 'defects'] loop
    if to_regclass('public.' || quote_ident(wanted)) is null then continue; end if;
    execute format('grant select on public.%I to hub_reader', wanted);
    if (select c.relrowsecurity from pg_class c where c.oid = to_regclass('public.' || quote_ident(wanted))) then
      execute format('drop policy if exists hub_reader_read on public.%I', wanted);
      execute format('create policy hub_reader_read on public.%I for select to hub_reader using (true)', wanted);
    end if;
  end loop;
end $$;

-- 3. Up to where reading is safe. Others' transactions are visible to pg_read_all_stats only, which `postgres` has and cannot
-- always hand on; so the function runs as its owner. It tells times and a process number, and nothing that is done there.
create schema if not exists hub_private;
grant usage on schema hub_private to hub_reader;
create or replace function hub_private.safe_watermark(margin interval)
returns table (now_at timestamptz, safe_at timestamptz, oldest_pid integer, oldest_state text)
language sql volatile security definer set search_path = '' as $$
  with open as (
    select a.pid, a.xact_start, coalesce(a.state, 'busy') as state from pg_catalog.pg_stat_activity a
     where a.xact_start is not null and a.pid <> pg_catalog.pg_backend_pid()
       and a.datname = pg_catalog.current_database() and a.backend_type not in ('autovacuum worker', 'walsender')
    union all
    select 0, p.prepared, 'prepared as ' || p.gid from pg_catalog.pg_prepared_xacts p
     where p.database = pg_catalog.current_database()),
  oldest as (select o.pid, o.xact_start, o.state from open o order by o.xact_start limit 1)
  select pg_catalog.clock_timestamp(),
         least(pg_catalog.clock_timestamp(), (select o.xact_start from oldest o)) - margin,
         (select o.pid from oldest o), (select o.state from oldest o)
$$;
revoke all on function hub_private.safe_watermark(interval) from public;
grant execute on function hub_private.safe_watermark(interval) to hub_reader;

-- 4. Indexes. Without them every pull reads the whole table. CONCURRENTLY does not block the team's work and cannot be part of
-- a transaction: run these one by one, for the tables that have the columns.
-- create index concurrently if not exists test_suites_hub on public.test_suites (updated_at, id);
-- create index concurrently if not exists test_cases_hub on public.test_cases (updated_at, id);
-- create index concurrently if not exists test_executions_hub on public.test_executions (updated_at, id);
-- create index concurrently if not exists test_results_hub on public.test_results (created_at, id);
-- create index concurrently if not exists test_results_hub_run on public.test_results (test_execution_id, id);
