-- Teams' own databases that are read: what the hub has of each row, and how each stream of them stands. How far a stream was
-- read is in hub.cursors; what is read, in the project's settings.

-- One row for each row that a source has, as far as the hub knows. It tells which entity or result a deleted row was, and it
-- is the hub's side of the comparison by buckets.
create table hub.source_rows (
  project_id uuid not null,
  tenant_id uuid not null,
  source text not null,
  stream text not null check (stream in ('test_suites', 'test_cases', 'test_executions', 'test_results', 'defects')),
  row_key text not null check (length(row_key) between 1 and 1000),
  -- As the source tells it: equal versions are equal rows.
  version text not null,
  entity_type text not null check (entity_type in ('suite', 'test_case', 'run', 'defect', 'result')),
  -- For a result, its key within the run.
  external_id text not null,
  run_id text,
  -- An execution that is not over, or was not long ago: until then its results are compared at every pull.
  open_until timestamptz,
  bucket smallint not null generated always as (get_byte(decode(md5(row_key), 'hex'), 0)) stored,
  primary key (project_id, source, stream, row_key),
  foreign key (tenant_id, project_id) references hub.projects (tenant_id, id),
  check ((entity_type = 'result') = (run_id is not null))
);
create index source_rows_tenant on hub.source_rows (tenant_id);
create index source_rows_entity on hub.source_rows (project_id, entity_type, external_id);
create index source_rows_run on hub.source_rows (project_id, source, run_id) where run_id is not null;
create index source_rows_open on hub.source_rows (project_id, source, open_until) where open_until is not null;

-- How a stream stands; stream '' is the source as a whole.
create table hub.source_state (
  project_id uuid not null,
  tenant_id uuid not null,
  source text not null,
  stream text not null,
  -- ok; degraded: read, with a restriction; held: read up to an old transaction; stopped: not read.
  state text not null check (state in ('ok', 'degraded', 'held', 'stopped')),
  code text check (code ~ '^HUB-[0-9]{4}$'),
  message text,
  since timestamptz not null default now(),
  last_ok timestamptz,
  -- Rows that were read, all in all.
  rows bigint not null default 0 check (rows >= 0),
  -- How far reading is behind the source's present.
  lag_ms bigint,
  -- What of the source's columns is read: a change of it stops the stream.
  columns text[],
  reread_at timestamptz,
  due_at timestamptz,
  primary key (project_id, source, stream),
  foreign key (tenant_id, project_id) references hub.projects (tenant_id, id),
  check ((state = 'ok') = (code is null))
);
create index source_state_tenant on hub.source_state (tenant_id);

do $$
declare t text;
begin
  foreach t in array array['source_rows', 'source_state'] loop
    execute format('alter table hub.%I enable row level security', t);
    execute format('alter table hub.%I force row level security', t);
    execute format('revoke all on hub.%I from public, anon, authenticated, service_role, hub_worker', t);
    execute format('create policy read_own on hub.%I for select to authenticated
      using (tenant_id = any(array(select hub_private.my_tenants(''admin''))))', t);
    execute format('create policy worker on hub.%I to hub_worker
      using (tenant_id = (select hub_private.ctx_tenant())) with check (tenant_id = (select hub_private.ctx_tenant()))', t);
    execute format('grant select on hub.%I to authenticated', t);
    execute format('grant select, insert, update, delete on hub.%I to service_role, hub_worker', t);
  end loop;
end $$;

-- Whether a source of the project is to be pulled now: it never was, or its time has come.
create function hub_private.source_due(project uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (
    select from hub.project_settings s
      cross join lateral pg_catalog.jsonb_array_elements(
        case pg_catalog.jsonb_typeof(s.settings -> 'sources') when 'array' then s.settings -> 'sources' else '[]'::jsonb end) x
      left join hub.source_state t on t.project_id = s.project_id and t.source = x ->> 'name' and t.stream = ''
     where s.project_id = project and coalesce(t.due_at, '-infinity') <= pg_catalog.clock_timestamp())
$$;

-- Rings the ingest lane of every project with a source whose time has come. The owner's statement: no grant.
create function hub_private.ring_sources() returns integer
language plpgsql security definer set search_path = '' as $$
declare
  due record;
  rung integer := 0;
begin
  if pg_catalog.to_regclass('hub_queue._private_jobs') is null then return 0; end if;
  for due in
    select p.id from hub.projects p join hub.project_settings s on s.project_id = p.id
     where p.archived_at is null and hub_private.source_due(p.id)
       and not exists (select from hub_queue._private_jobs q where q.key = p.id::text || ':ingest'
                          and (q.locked_at is not null or q.attempts < q.max_attempts))
     order by 1
  loop
    perform hub_private.put_bell(due.id, 'ingest', null);
    rung := rung + 1;
  end loop;
  return rung;
end $$;

revoke all on function hub_private.source_due(uuid), hub_private.ring_sources() from public;
grant execute on function hub_private.source_due(uuid) to hub_worker;
