-- Facts of results that not every tool tells, what is concluded of a failure, the series that runs stand in, and the failures
-- that may become defects (docs/enrichment.md).

-- Attached partitions have the columns of their parent; a month that is made later is made LIKE it.
alter table hub.results
  add column extra jsonb not null default '{}' check (jsonb_typeof(extra) = 'object'),
  add column fingerprint text check (fingerprint <> ''),
  add column signature text check (signature <> ''),
  add column cause text check (cause ~ '^[a-z_]{1,40}$');

-- Runs that are compared with one another, and their order. Null until the run is saved by a version that knows of series.
alter table hub.runs add column series text, add column began_at timestamptz;
create index runs_series on hub.runs (project_id, series, began_at);
create index runs_began on hub.runs (project_id, began_at);

-- Which defects name a case.
create index entities_defect_cases on hub.entities using gin ((payload -> 'test_cases') jsonb_ops)
  where entity_type = 'defect' and deleted_at is null;

-- A failure is known by its fingerprint. `defect_id` is the defect that stands for it: the hub's own, or one of the team's.
create table hub.failures (
  project_id uuid not null,
  tenant_id uuid not null,
  fingerprint text not null check (fingerprint ~ '^f[0-9]+:[0-9a-f]{16}$'),
  kind text not null check (kind in ('failure', 'incident', 'summary')),
  state text not null check (state in ('new', 'proposed', 'defect', 'ignored')),
  test_case_id text,
  title text not null,
  message text,
  details text,
  environment text,
  platform text,
  device text,
  first_run text not null,
  last_run text not null,
  last_began_at timestamptz not null,
  runs bigint not null check (runs >= 0),
  consecutive bigint not null check (consecutive >= 0),
  defect_id text check (length(defect_id) between 1 and 200),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (project_id, fingerprint),
  constraint failures_defect check (state <> 'defect' or defect_id is not null),
  foreign key (tenant_id, project_id) references hub.projects (tenant_id, id)
);
create index failures_state on hub.failures (project_id, state, last_began_at desc);
create index failures_tenant on hub.failures (tenant_id);

-- Which run showed it: one row each, so that a run that is read again counts once.
create table hub.failure_runs (
  project_id uuid not null,
  tenant_id uuid not null,
  fingerprint text not null,
  run_id text not null check (length(run_id) between 1 and 200),
  primary key (project_id, fingerprint, run_id),
  foreign key (tenant_id, project_id) references hub.projects (tenant_id, id)
);
create index failure_runs_run on hub.failure_runs (project_id, run_id);
create index failure_runs_tenant on hub.failure_runs (tenant_id);

do $$
declare
  t text;
begin
  foreach t in array array['failures', 'failure_runs'] loop
    execute format('alter table hub.%I enable row level security', t);
    execute format('alter table hub.%I force row level security', t);
    execute format('revoke all on hub.%I from public, anon, authenticated, service_role, hub_worker', t);
    execute format('create policy read_own on hub.%I for select to authenticated
      using (tenant_id = any(array(select hub_private.my_tenants())))', t);
    execute format('create policy worker on hub.%I to hub_worker
      using (tenant_id = (select hub_private.ctx_tenant())) with check (tenant_id = (select hub_private.ctx_tenant()))', t);
    execute format('grant select on hub.%I to authenticated', t);
    execute format('grant select, insert, update, delete on hub.%I to service_role', t);
    execute format('grant select, insert, update on hub.%I to hub_worker', t);
  end loop;
end $$;
grant delete on hub.failure_runs to hub_worker;
