-- Lanes: the bells that wake workers. A lane is a project and a kind of work; its job in the queue (schema hub_queue, made by
-- graphile_worker's own migrations) is a doorbell, and what is to do is in hub.publication. Where the queue's schema is not
-- there, ringing does nothing: the first reconciliation finds the work. docs/lanes.md tells the whole.

-- An archived project keeps its rows; nothing of it is published.
alter table hub.projects add column archived_at timestamptz;

-- One row per lane that is held up: by its site, its login, or because nothing of it could be published. A lane without a row
-- works normally.
create table hub.lanes (
  project_id uuid not null,
  tenant_id uuid not null,
  kind text not null check (kind in ('issues', 'pages', 'results', 'ingest', 'evidence', 'reconcile')),
  -- Stops in a row; 0 where only publications wait for others.
  stops integer not null default 0 check (stops >= 0),
  -- Runs in a row in which everything that was due had to wait.
  idle_runs integer not null default 0 check (idle_runs >= 0),
  -- Before this moment nobody's bell wakes the lane.
  not_before timestamptz,
  error_code text check (error_code ~ '^HUB-[0-9]{4}$'),
  error_message text,
  correlation_id uuid,
  updated_at timestamptz not null default now(),
  primary key (project_id, kind),
  foreign key (tenant_id, project_id) references hub.projects (tenant_id, id),
  constraint lanes_stopped check ((stops > 0) = (error_code is not null) and (stops > 0) = (not_before is not null)),
  constraint lanes_held check (stops > 0 or idle_runs > 0)
);
create index lanes_tenant on hub.lanes (tenant_id);

alter table hub.lanes enable row level security;
alter table hub.lanes force row level security;
revoke all on hub.lanes from public, anon, authenticated, service_role, hub_worker;
create policy read_own on hub.lanes for select to authenticated
  using (tenant_id = any(array(select hub_private.my_tenants('admin'))));
create policy worker on hub.lanes to hub_worker
  using (tenant_id = (select hub_private.ctx_tenant())) with check (tenant_id = (select hub_private.ctx_tenant()));
grant select on hub.lanes to authenticated;
grant select, insert, update, delete on hub.lanes to service_role, hub_worker;

-- Puts one bell. Everybody who rings a lane holds its lock until commit, so bells of one lane see each other; callers ring in
-- the order of lanes. A bell never makes a waiting one later: new work that is due now must not wait for old work that is
-- due tomorrow. A lane that its site stopped keeps its pause.
create function hub_private.put_bell(project uuid, lane_kind text, due timestamptz) returns void
language plpgsql security definer set search_path = '' as $$
declare
  lane text := project::text || ':' || lane_kind;
  moment timestamptz := coalesce(due, pg_catalog.now());
begin
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('haida-hub.lane.' || lane, 0));
  select least(moment, j.run_at) into moment from (select 1) one left join hub_queue._private_jobs j
      on j.key = lane and j.locked_at is null and j.attempts < j.max_attempts;
  select greatest(moment, l.not_before) into moment from (select 1) one left join hub.lanes l
      on l.project_id = project and l.kind = lane_kind;
  perform hub_queue.add_job('drain',
    pg_catalog.json_build_object('v', 1, 'project', project, 'kind', lane_kind),
    queue_name => lane, run_at => moment, job_key => lane, job_key_mode => 'replace');
end $$;

-- Rings lanes of the tenant for which this transaction works, as its last statement. Returns how many were rung.
create function hub_private.ring(projects uuid[], kinds text[], due timestamptz[]) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  bell record;
  rung integer := 0;
begin
  if pg_catalog.to_regclass('hub_queue._private_jobs') is null then return 0; end if;
  for bell in
    select u.project, u.kind, min(coalesce(u.due, pg_catalog.now())) as due
      from unnest(projects, kinds, due) u (project, kind, due)
      join hub.projects p on p.id = u.project and p.tenant_id = hub_private.ctx_tenant() and p.archived_at is null
     group by u.project, u.kind order by u.project, u.kind
  loop
    perform hub_private.put_bell(bell.project, bell.kind, bell.due);
    rung := rung + 1;
  end loop;
  return rung;
end $$;

-- Whether a project's sites are to be audited without being asked: the last whole audit is a day old, or the project is and
-- something of it is published.
create function hub_private.audit_due(project uuid) returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
  return (
    select coalesce(c.last_full_reconcile_at, j.created_at) < pg_catalog.now() - interval '24 hours'
      from hub.projects j
      left join hub.cursors c on c.project_id = j.id and c.source = 'audit' and c.stream = 'whole'
     where j.id = project)
    and exists (select from hub.publication p where p.project_id = project and p.remote_id is not null);
end $$;

-- Rings every lane that has work and no job, of all tenants. Which publication belongs to which lane the caller says; a send
-- without an answer belongs to `reconcile`. The owner's statement: no grant.
create function hub_private.ring_due(objects text[], entity_types text[], kinds text[]) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  bell record;
  rung integer := 0;
begin
  for bell in
    select due.project_id as project, due.kind from (
      select distinct p.project_id, m.kind from hub.publication p
        join unnest(objects, entity_types, kinds) m (object, entity_type, kind)
          on m.object = p.object and m.entity_type = p.entity_type
       where p.state in ('pending', 'waiting') and (p.state = 'pending' or p.next_attempt_at <= pg_catalog.now())
      union
      select distinct p.project_id, 'reconcile' from hub.publication p where p.state in ('sending', 'uncertain')
      union
      select r.project_id, 'reconcile' from hub.recoveries r where r.done_at is null
      union
      select j.id, 'reconcile' from hub.projects j where hub_private.audit_due(j.id)
    ) due
    join hub.projects j on j.id = due.project_id and j.archived_at is null
    where not exists (
      select from hub_queue._private_jobs q
       where q.key = due.project_id::text || ':' || due.kind and (q.locked_at is not null or q.attempts < q.max_attempts))
    order by 1, 2
  loop
    perform hub_private.put_bell(bell.project, bell.kind, null);
    rung := rung + 1;
  end loop;
  return rung;
end $$;

-- Keeps the queue small and alive: deletes replaced rows that nobody will run again, and lets jobs that a newer version wrote
-- be looked at again within a minute, for as often as it takes. Returns how many rows went.
create function hub_private.tidy_queue() returns integer
language plpgsql security definer set search_path = '' as $$
declare
  gone integer;
begin
  delete from hub_queue._private_jobs j
   where j.key is null and j.locked_at is null and j.attempts >= j.max_attempts
     and j.updated_at < pg_catalog.now() - interval '1 hour';
  get diagnostics gone = row_count;
  update hub_queue._private_jobs j
     set attempts = 1, run_at = least(j.run_at, pg_catalog.now() + interval '1 minute')
   where j.key is not null and j.locked_at is null and j.attempts > 1 and j.last_error like '%HUB-3008%';
  return gone;
end $$;

-- Ends the records of runs whose process is gone: the lane's queue is locked by nobody.
create function hub_private.close_dead_runs() returns integer
language plpgsql security definer set search_path = '' as $$
declare
  closed integer;
begin
  update hub.sync_jobs s
     set state = 'failed', error_code = 'HUB-3007', error = 'the process that ran the lane ended', finished_at = pg_catalog.clock_timestamp()
   where s.state = 'running' and s.kind like 'drain\_%' and s.started_at < pg_catalog.now() - interval '1 minute'
     and not exists (
       select from hub_queue._private_job_queues q
        where q.queue_name = s.project_id::text || ':' || substring(s.kind from 7) and q.locked_at is not null);
  get diagnostics closed = row_count;
  return closed;
end $$;

-- Gives back what a worker held that will not go on with it, except lanes on which a batch of it is still on its way: its
-- jobs are due now, and no attempt is counted. Returns how many jobs.
create function hub_private.release_worker(worker text, keep text[]) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  held bigint[];
begin
  select coalesce(array_agg(j.id), '{}') into held from hub_queue._private_jobs j
    left join hub_queue._private_job_queues q on q.id = j.job_queue_id
   where j.locked_by = worker and (q.queue_name is null or q.queue_name <> all(keep));
  perform hub_queue._private_return_jobs(worker, held);
  update hub_queue._private_job_queues q set locked_by = null, locked_at = null
   where q.locked_by = worker and q.queue_name <> all(keep);
  if keep = '{}' then perform hub_queue.worker_deregister(worker); end if;
  update hub_queue._private_jobs j set run_at = pg_catalog.now(), attempts = 0
   where j.key is not null and j.locked_at is null and j.last_error like '%HUB-3003%' and j.run_at > pg_catalog.now();
  return pg_catalog.cardinality(held);
end $$;

-- Gives back jobs that are locked for a worker which does not know them: the answer to its claim was lost.
create function hub_private.release_unknown(worker text, known bigint[], age interval) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  unknown bigint[];
begin
  select array_agg(j.id) into unknown from hub_queue._private_jobs j
   where j.locked_by = worker and j.locked_at < pg_catalog.now() - age and j.id <> all(known);
  if unknown is null then return 0; end if;
  perform hub_queue._private_return_jobs(worker, unknown);
  return pg_catalog.cardinality(unknown);
end $$;

-- How much the queue has to do now: jobs that are due or being worked on.
create function hub_private.queue_load() returns table (due bigint, busy bigint)
language plpgsql stable security definer set search_path = '' as $$
begin
  if pg_catalog.to_regclass('hub_queue._private_jobs') is null then return query select 0::bigint, 0::bigint; return; end if;
  return query select
    count(*) filter (where j.locked_at is null and j.run_at <= pg_catalog.now() and j.attempts < j.max_attempts),
    count(*) filter (where j.locked_at is not null)
    from hub_queue._private_jobs j;
end $$;

-- What the queue holds of a project's lanes, for people.
create function hub_private.lane_jobs(project uuid)
returns table (kind text, busy boolean, run_at timestamptz, attempts integer, last_error text)
language plpgsql stable security definer set search_path = '' as $$
begin
  if pg_catalog.to_regclass('hub_queue._private_jobs') is null then return; end if;
  return query select substring(q.queue_name from 38), q.locked_at is not null, j.run_at, j.attempts::integer, j.last_error
    from hub_queue._private_job_queues q
    left join hub_queue._private_jobs j on j.key = q.queue_name
   where q.queue_name like project::text || ':%' and (q.locked_at is not null or j.id is not null)
   order by 1;
end $$;

revoke all on function hub_private.audit_due(uuid), hub_private.put_bell(uuid, text, timestamptz), hub_private.ring(uuid[], text[], timestamptz[]),
  hub_private.ring_due(text[], text[], text[]), hub_private.tidy_queue(), hub_private.close_dead_runs(),
  hub_private.release_worker(text, text[]), hub_private.release_unknown(text, bigint[], interval), hub_private.queue_load(),
  hub_private.lane_jobs(uuid) from public;
grant execute on function hub_private.ring(uuid[], text[], timestamptz[]), hub_private.audit_due(uuid) to hub_worker;
