-- What tells that the database lost commits: a restore or a failover to a replica that lagged. Then the ledger may not know
-- of issues that exist, so every project's creates are held until the site was looked at (docs/decisions/0010).

-- The server as the hub saw it last. One row. It is restored together with the ledger, which is the point: after a restore
-- the server is on another timeline, or is another server, than the one that this row names.
create table hub_private.server (
  only_row boolean primary key default true check (only_row),
  system_identifier bigint not null,
  timeline integer not null,
  changed_at timestamptz not null default now()
);

-- A project whose creates are held, or were.
create table hub.recoveries (
  project_id uuid not null,
  tenant_id uuid not null,
  began_at timestamptz not null,
  reason text not null check (reason in ('timeline', 'server', 'position')),
  -- The highest issue number that the ledger knew then: what was lost has a higher one.
  floor bigint not null,
  done_at timestamptz,
  adopted bigint not null default 0,
  primary key (project_id, began_at),
  foreign key (tenant_id, project_id) references hub.projects (tenant_id, id)
);
create index recoveries_tenant on hub.recoveries (tenant_id);
create unique index recoveries_open on hub.recoveries (project_id) where done_at is null;

-- Which issue keys were read for lost creates: those above read_from, up to read_to, but for the gaps, which held no issue
-- when they were first read and are read again until nothing can appear in them any more.
create table hub.key_scans (
  project_id uuid primary key,
  tenant_id uuid not null,
  began_at timestamptz not null,
  read_from bigint not null default 0 check (read_from >= 0),
  read_to bigint not null default 0,
  gaps jsonb not null default '[]',
  foreign key (tenant_id, project_id) references hub.projects (tenant_id, id),
  check (read_to >= read_from)
);
create index key_scans_tenant on hub.key_scans (tenant_id);

do $$
declare t text;
begin
  foreach t in array array['recoveries', 'key_scans'] loop
    execute format('alter table hub.%I enable row level security', t);
    execute format('alter table hub.%I force row level security', t);
    execute format('revoke all on hub.%I from public, anon, authenticated, service_role, hub_worker', t);
    execute format('create policy read_own on hub.%I for select to authenticated
      using (tenant_id = any(array(select hub_private.my_tenants(''admin''))))', t);
    execute format('create policy worker on hub.%I to hub_worker
      using (tenant_id = (select hub_private.ctx_tenant())) with check (tenant_id = (select hub_private.ctx_tenant()))', t);
    execute format('grant select on hub.%I to authenticated', t);
    execute format('grant select, insert, update, delete on hub.%I to service_role', t);
  end loop;
end $$;
grant select, update on hub.recoveries to hub_worker;
grant select, insert, update on hub.key_scans to hub_worker;

-- The cluster's number. Some providers keep it from everybody; the timeline and the position then have to do.
create function hub_private.system_identifier() returns bigint
language plpgsql stable security definer set search_path = '' as $$
begin
  return (select s.system_identifier from pg_catalog.pg_control_system() s);
exception when insufficient_privilege then
  return 0;
end $$;

-- The highest issue number that the ledger knows of a project's Jira project.
create function hub_private.highest_key(project uuid) returns bigint
language sql stable security definer set search_path = '' as $$
  select coalesce((
    select substring(p.remote_key from '[0-9]+$')::bigint from hub.publication p
      join hub.projects j on j.id = p.project_id
     where p.project_id = project and p.object = 'issue' and p.remote_key is not null
       and p.remote_key like pg_catalog.replace(j.jira_project_key, '_', '\_') || '-%'
     order by substring(p.remote_key from '[0-9]+$')::bigint desc limit 1), 0)
$$;

-- Compares the server with the one that the ledger knows and with the position that the calling process has seen, and holds
-- every project's creates where they do not fit. Returns the present position, which the process is to remember.
-- Asked in every transaction that announces creates: between a restore and the first create there is always this question.
create function hub_private.check_server(seen bigint) returns bigint
language plpgsql volatile security definer set search_path = '' as $$
declare
  -- What is flushed survives a crash of the server; what is only written may not, and is no sign of a loss.
  present bigint := pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_flush_lsn(), '0/0')::bigint;
  here integer := ('x' || pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8))::bit(32)::integer;
  number bigint := hub_private.system_identifier();
  known hub_private.server;
  why text;
begin
  select * into known from hub_private.server;
  if not found then
    insert into hub_private.server (system_identifier, timeline) values (number, here) on conflict do nothing;
    select * into known from hub_private.server;
  end if;
  why := case when known.system_identifier <> number then 'server'
              when known.timeline <> here then 'timeline'
              when seen > present then 'position' end;
  if why is null then return present; end if;

  -- One session does it, the others wait here and find it done.
  select * into known from hub_private.server for update;
  if why <> 'position' and known.system_identifier = number and known.timeline = here then return present; end if;
  update hub_private.server set system_identifier = number, timeline = here, changed_at = pg_catalog.clock_timestamp();
  update hub.recoveries r set began_at = pg_catalog.clock_timestamp(), reason = why,
         floor = least(r.floor, hub_private.highest_key(r.project_id)) where r.done_at is null;
  insert into hub.recoveries (project_id, tenant_id, began_at, reason, floor)
    select p.id, p.tenant_id, pg_catalog.clock_timestamp(), why, hub_private.highest_key(p.id) from hub.projects p
     where not exists (select 1 from hub.recoveries r where r.project_id = p.id and r.done_at is null);
  -- Numbers that the lost commits gave out must not be given out again: a late answer would be taken for the new send's.
  perform pg_catalog.setval('hub.publication_fence', pg_catalog.nextval('hub.publication_fence') + 1000000);
  return present;
end $$;

revoke all on function hub_private.system_identifier(), hub_private.highest_key(uuid), hub_private.check_server(bigint)
  from public;
grant execute on function hub_private.check_server(bigint) to hub_worker;

-- From here on every backup names its server.
select hub_private.check_server(0);
