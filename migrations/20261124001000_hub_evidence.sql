-- Evidence: what tests left behind. A row is a file or an address that a report names for a result; its bytes are in object
-- storage under a key made of its content, so many rows may share one object. docs/evidence.md draws the states.

create table hub.evidence (
  -- The stable link: 130 random bits. Whoever has it may see the evidence, so it is written where the result is read.
  token text primary key check (token ~ '^[a-z2-7]{26}$'),
  project_id uuid not null,
  tenant_id uuid not null,
  run_id text not null,
  report_id text not null,
  result_key text not null,
  -- What tells it from the other evidence of its result: reading the report again finds the same row.
  slot text not null check (length(slot) between 1 and 400),
  test_case_id text,
  name text not null check (length(name) between 1 and 300),
  kind text not null check (kind in ('screenshot', 'video', 'trace', 'log', 'report', 'other')),
  result_status text not null,
  state text not null check (state in ('pending', 'stored', 'linked', 'missing_source', 'refused', 'expired', 'deleted')),
  -- As the report names it.
  source_path text not null default '',
  -- Where the bytes lay on the machine that took the report, for another attempt. Not for users.
  origin text,
  content_type text,
  bytes bigint check (bytes >= 0),
  sha256 bytea check (octet_length(sha256) = 32),
  object_key text check (object_key ~ '^[A-Za-z0-9_/.-]+$' and length(object_key) <= 512),
  error_code text check (error_code ~ '^HUB-[0-9]{4}$'),
  error_message text,
  attempts integer not null default 0 check (attempts >= 0),
  next_attempt_at timestamptz,
  legal_hold boolean not null default false,
  created_at timestamptz not null default now(),
  stored_at timestamptz,
  -- By the rules at the time when it was taken; the rules at the time of the decision count.
  expires_at timestamptz,
  expired_at timestamptz,
  deleted_at timestamptz,
  -- Since when the latest version of its report no longer names it.
  superseded_at timestamptz,
  foreign key (tenant_id, project_id) references hub.projects (tenant_id, id),
  unique (project_id, run_id, result_key, slot),
  constraint evidence_has_bytes check (
    state not in ('pending', 'stored') or (object_key is not null and sha256 is not null and bytes is not null)),
  constraint evidence_expired check ((state in ('expired', 'deleted')) = (expired_at is not null)),
  constraint evidence_deleted check ((state = 'deleted') = (deleted_at is not null))
);
create index evidence_tenant on hub.evidence (tenant_id);
create index evidence_object on hub.evidence (project_id, object_key) where object_key is not null;
create index evidence_pending on hub.evidence (project_id, next_attempt_at) where state = 'pending';
create index evidence_age on hub.evidence (project_id, created_at) where state in ('pending', 'stored');
create index evidence_origin on hub.evidence using hash (origin) where origin is not null;
create index evidence_going on hub.evidence (project_id) where state = 'expired';

-- Runs whose evidence is kept whatever the rules say, also what is taken for them later.
create table hub.evidence_holds (
  project_id uuid not null,
  tenant_id uuid not null,
  run_id text not null,
  held_at timestamptz not null default now(),
  primary key (project_id, run_id),
  foreign key (tenant_id, project_id) references hub.projects (tenant_id, id)
);
create index evidence_holds_tenant on hub.evidence_holds (tenant_id);

do $$
declare t text;
begin
  foreach t in array array['evidence', 'evidence_holds'] loop
    execute format('alter table hub.%I enable row level security', t);
    execute format('alter table hub.%I force row level security', t);
    execute format('revoke all on hub.%I from public, anon, authenticated, service_role, hub_worker', t);
    execute format('create policy read_own on hub.%I for select to authenticated
      using (tenant_id = any(array(select hub_private.my_tenants())))', t);
    execute format('create policy worker on hub.%I to hub_worker
      using (tenant_id = (select hub_private.ctx_tenant())) with check (tenant_id = (select hub_private.ctx_tenant()))', t);
    execute format('grant select, insert, update, delete on hub.%I to service_role, hub_worker', t);
  end loop;
end $$;
grant select on hub.evidence_holds to authenticated;
grant select (token, project_id, tenant_id, run_id, report_id, result_key, slot, test_case_id, name, kind, result_status, state,
  source_path, content_type, bytes, sha256, object_key, error_code, error_message, attempts, legal_hold, created_at, stored_at,
  expires_at, expired_at, deleted_at, superseded_at) on hub.evidence to authenticated;

-- Whether a project's evidence has work: something waits for the store and may be tried, or a day has passed since its rules
-- were applied.
create function hub_private.evidence_due(project uuid) returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
  return exists (select from hub.evidence e
                  where e.project_id = project and e.state = 'pending' and e.next_attempt_at <= pg_catalog.now())
    or (exists (select from hub.evidence e where e.project_id = project and e.state in ('pending', 'stored', 'expired'))
        and coalesce((select c.last_full_reconcile_at from hub.cursors c
                       where c.project_id = project and c.source = 'evidence' and c.stream = 'expiry'), '-infinity')
            < pg_catalog.now() - interval '24 hours');
end $$;

-- Rings the evidence lane of every project that has such work and no job. The owner's statement: no grant.
create function hub_private.ring_evidence_due() returns integer
language plpgsql security definer set search_path = '' as $$
declare
  bell record;
  rung integer := 0;
begin
  if pg_catalog.to_regclass('hub_queue._private_jobs') is null then return 0; end if;
  for bell in
    select j.id as project from hub.projects j
     where j.archived_at is null and hub_private.evidence_due(j.id)
       and not exists (
         select from hub_queue._private_jobs q
          where q.key = j.id::text || ':evidence' and (q.locked_at is not null or q.attempts < q.max_attempts))
     order by 1
  loop
    perform hub_private.put_bell(bell.project, 'evidence', null);
    rung := rung + 1;
  end loop;
  return rung;
end $$;

revoke all on function hub_private.evidence_due(uuid), hub_private.ring_evidence_due() from public;
grant execute on function hub_private.evidence_due(uuid) to hub_worker;
