-- Tables of the hub. Every row carries its tenant; the pair (tenant_id, project_id) is a foreign key, so a wrong pair cannot
-- be stored. docs/database.md draws the tables and the state machine of hub.publication.

-- 1. Who -----------------------------------------------------------------------------------------------------------

create table hub.tenants (
  id uuid primary key default gen_random_uuid(),
  slug text not null unique check (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name text not null check (length(name) between 1 and 200),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- user_id is auth.users.id; without a foreign key, because the hub also runs where there is no such table. It comes first in
-- the key: it is the column by which policies look up.
create table hub.tenant_members (
  tenant_id uuid not null references hub.tenants on delete cascade,
  user_id uuid not null,
  role text not null check (role in ('owner', 'admin', 'editor', 'viewer')),
  created_at timestamptz not null default now(),
  primary key (user_id, tenant_id)
);
create index tenant_members_tenant on hub.tenant_members (tenant_id);

create table hub.projects (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references hub.tenants,
  key text not null check (key ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name text not null check (length(name) between 1 and 200),
  locale text not null default 'en' check (locale in ('en', 'es')),
  jira_project_key text not null check (jira_project_key ~ '^[A-Z][A-Z0-9_]{1,9}$'),
  confluence_space_key text not null check (confluence_space_key ~ '^~?[A-Za-z0-9]{1,255}$'),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, key),
  unique (tenant_id, id)
);

-- No secret is ever in a row: credential_ref names where the secret is. The last two conditions catch a token that was
-- pasted behind a scheme.
create table hub.connectors (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null,
  project_id uuid not null,
  kind text not null check (kind in ('jira_cloud', 'confluence_cloud')),
  base_url text not null check (
    base_url ~ '^https://[A-Za-z0-9.:[\]-]+(/[^?#[:space:]]*)?$'
    or base_url ~ '^http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?(/[^?#[:space:]]*)?$'
  ),
  account_email text not null check (account_email ~ '^[^@[:space:]]+@[^@[:space:]]+$' and length(account_email) <= 254),
  credential_ref text not null check (
    credential_ref ~ '^(env://[A-Za-z_][A-Za-z0-9_]{0,127}|file:///[^[:space:]]+|vault://[A-Za-z0-9][A-Za-z0-9/_.-]{0,200}(#[0-9]+)?)$'
    and length(credential_ref) <= 508
    and credential_ref !~ 'ATATT|ATCTT|ATSTT'
  ),
  capabilities jsonb,
  capabilities_at timestamptz,
  rate jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (project_id, kind),
  check ((capabilities is null) = (capabilities_at is null)),
  foreign key (tenant_id, project_id) references hub.projects (tenant_id, id)
);
create index connectors_tenant on hub.connectors (tenant_id);

-- 2. What is true ----------------------------------------------------------------------------------------------------

-- payload is the JSON of the canonical facts; content_hash decides whether they changed.
create table hub.entities (
  project_id uuid not null,
  tenant_id uuid not null,
  entity_type text not null check (entity_type in ('suite', 'test_case', 'release', 'run', 'defect', 'report')),
  external_id text not null check (length(external_id) between 1 and 200),
  title text not null,
  source text not null,
  precedence smallint not null check (precedence between 0 and 255),
  payload jsonb not null,
  content_hash bytea not null check (octet_length(content_hash) = 32),
  deleted_at timestamptz,
  first_seen_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (project_id, entity_type, external_id),
  foreign key (tenant_id, project_id) references hub.projects (tenant_id, id)
) partition by hash (project_id);
create index entities_tenant on hub.entities (tenant_id, updated_at);
create index entities_changed on hub.entities (project_id, entity_type, updated_at, external_id);
-- Coverage counts the cases that are in use; this makes it an index-only count.
create index entities_known_cases on hub.entities (project_id, external_id)
  where entity_type = 'test_case' and deleted_at is null and payload ->> 'status' <> 'deprecated';

-- In which month's partition the results of a run are. Decided once, so that every later read finds them.
create table hub.runs (
  project_id uuid not null,
  tenant_id uuid not null,
  run_id text not null check (length(run_id) between 1 and 200),
  run_month date not null check (run_month = date_trunc('month', run_month)::date),
  created_at timestamptz not null default now(),
  primary key (project_id, run_id),
  foreign key (tenant_id, project_id) references hub.projects (tenant_id, id)
);
create index runs_tenant on hub.runs (tenant_id, created_at);

create table hub.results (
  run_month date not null,
  project_id uuid not null,
  tenant_id uuid not null,
  run_id text not null,
  result_key text not null check (length(result_key) between 1 and 2000),
  report_id text not null,
  test_case_id text,
  name text not null,
  suite text,
  status text not null check (status in ('passed', 'failed', 'broken', 'timeout', 'flaky', 'skipped', 'blocked', 'not_run')),
  source_status text not null,
  device text,
  platform text,
  attempt integer not null check (attempt >= 0),
  duration_ms bigint check (duration_ms >= 0),
  started_at timestamptz,
  error_type text,
  message text,
  details text,
  notes text,
  evidence jsonb not null default '[]',
  content_hash bytea not null check (octet_length(content_hash) = 32),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (run_month, project_id, run_id, result_key),
  foreign key (tenant_id, project_id) references hub.projects (tenant_id, id)
) partition by range (run_month);
create index results_case on hub.results (project_id, test_case_id, run_month);
create index results_tenant on hub.results (tenant_id, run_month);

-- 3. What was handed over -----------------------------------------------------------------------------------------------

-- One row per file name and run, with what its latest content was. run_id is '' for files that belong to no run. A name is
-- a file's own, with as many folders before it as tell it from the run's other paths.
create table hub.import_files (
  project_id uuid not null,
  tenant_id uuid not null,
  run_id text not null,
  file_name text not null check (length(file_name) between 1 and 1000),
  path text not null check (length(path) between 1 and 4096),
  digest bytea not null check (octet_length(digest) = 32),
  format text not null,
  bytes bigint not null check (bytes >= 0),
  counts jsonb not null,
  problems jsonb not null,
  times integer not null default 1 check (times >= 1),
  first_imported_at timestamptz not null default now(),
  imported_at timestamptz not null default now(),
  primary key (project_id, run_id, file_name),
  foreign key (tenant_id, project_id) references hub.projects (tenant_id, id)
);
create index import_files_digest on hub.import_files (project_id, run_id, digest);
create index import_files_tenant on hub.import_files (tenant_id);

create table hub.import_rejects (
  id bigint generated always as identity primary key,
  tenant_id uuid not null,
  project_id uuid not null,
  run_id text not null,
  file_name text not null,
  code text not null check (code ~ '^HUB-[0-9]{4}$'),
  severity text not null check (severity in ('repaired', 'rejected', 'fatal')),
  message text not null,
  line bigint,
  col bigint,
  subject text,
  content_hash bytea not null check (octet_length(content_hash) = 32),
  resolved_at timestamptz,
  created_at timestamptz not null default now(),
  unique (project_id, run_id, file_name, content_hash),
  foreign key (tenant_id, project_id) references hub.projects (tenant_id, id)
);
create index import_rejects_tenant on hub.import_rejects (tenant_id);

create table hub.cursors (
  project_id uuid not null,
  tenant_id uuid not null,
  source text not null,
  stream text not null,
  kind text not null check (kind in ('watermark', 'overlap', 'outbox', 'file')),
  cur_ts timestamptz,
  cur_id text,
  cur_xid text,
  last_full_reconcile_at timestamptz,
  stats jsonb not null default '{}',
  updated_at timestamptz not null default now(),
  primary key (project_id, source, stream),
  foreign key (tenant_id, project_id) references hub.projects (tenant_id, id)
);
create index cursors_tenant on hub.cursors (tenant_id);

-- 4. What is published: the ledger ----------------------------------------------------------------------------------------

create sequence hub.publication_fence;

-- One row per remote object that the hub owes. desired_hash null: it should not exist any more. published_hash null: it was
-- never published; 32 zero bytes: it exists, but what it holds is not known, because the answer to an update was lost.
create table hub.publication (
  project_id uuid not null,
  tenant_id uuid not null,
  object text not null check (object in ('issue', 'page', 'issue_link', 'remote_link')),
  entity_type text not null check (
    entity_type in ('project', 'index', 'suite', 'test_case', 'release', 'run', 'defect', 'report')),
  external_id text not null check (length(external_id) between 1 and 200),
  target_type text not null default '',
  target_id text not null default '',
  rank smallint not null default 0,
  desired_hash bytea check (octet_length(desired_hash) = 32),
  published_hash bytea check (octet_length(published_hash) = 32),
  remote_id text check (remote_id <> ''),
  remote_key text check (remote_key <> ''),
  remote_version bigint,
  remote_labels text[],
  remote_parent text check (remote_parent <> ''),
  state text not null default 'pending',
  attempts integer not null default 0 check (attempts >= 0),
  fence bigint not null default 0,
  next_attempt_at timestamptz,
  sent_at timestamptz,
  lowest_key bigint,
  error_code text check (error_code ~ '^HUB-[0-9]{4}$'),
  error_message text,
  remote_status integer,
  published_at timestamptz,
  updated_at timestamptz not null default now(),
  primary key (project_id, object, entity_type, external_id, target_type, target_id),
  foreign key (tenant_id, project_id) references hub.projects (tenant_id, id),
  constraint publication_state check (state in ('pending', 'sending', 'published', 'waiting', 'uncertain', 'dead')),
  constraint publication_target check (
    (object in ('issue', 'page')) = (target_type = '' and target_id = '') and (target_type = '') = (target_id = '')),
  constraint publication_published check (state <> 'published' or desired_hash is not distinct from published_hash),
  constraint publication_due check (state not in ('pending', 'waiting') or desired_hash is distinct from published_hash),
  constraint publication_sent check ((state in ('sending', 'uncertain')) = (sent_at is not null)),
  constraint publication_fenced check (state not in ('sending', 'uncertain') or fence > 0),
  constraint publication_waits check ((state = 'waiting') = (next_attempt_at is not null)),
  constraint publication_failed check (state not in ('waiting', 'uncertain', 'dead') or error_code is not null),
  constraint publication_identified check (
    published_hash is null or remote_id is not null or object in ('issue_link', 'remote_link'))
);
-- One remote object belongs to one entity.
create unique index publication_remote on hub.publication (project_id, object, remote_id)
  where remote_id is not null and object in ('issue', 'page');
-- "What is to do" is a read of this index; a row that is published, open or given up is not in it. By publication_due a row
-- in these states differs on its two sides. The condition is the state and not the two hashes, because the planner has
-- statistics of a column and none of a comparison: with the hashes it was seen to scan the table instead.
create index publication_to_do on hub.publication (project_id, object, rank, entity_type, external_id)
  where state in ('pending', 'waiting');
-- Unanswered creates, which are few.
create index publication_open on hub.publication (project_id, object) where state in ('sending', 'uncertain');
-- The highest issue number known of a project, below which a lost create cannot be.
create index publication_key_number on hub.publication (project_id, (substring(remote_key from '[0-9]+$')::bigint))
  where object = 'issue' and remote_key is not null;
create index publication_tenant on hub.publication (tenant_id);

-- 5. What was done ----------------------------------------------------------------------------------------------------------

create table hub.sync_jobs (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null,
  project_id uuid not null,
  correlation_id uuid not null,
  kind text not null check (kind ~ '^[a-z_]{1,40}$'),
  state text not null default 'running' check (state in ('running', 'done', 'failed')),
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  metrics jsonb not null default '{}',
  error_code text check (error_code ~ '^HUB-[0-9]{4}$'),
  error text,
  constraint sync_jobs_finished check ((state = 'running') = (finished_at is null)),
  constraint sync_jobs_failed check (state = 'failed' or (error is null and error_code is null)),
  foreign key (tenant_id, project_id) references hub.projects (tenant_id, id)
);
create index sync_jobs_recent on hub.sync_jobs (project_id, started_at desc);
create index sync_jobs_tenant on hub.sync_jobs (tenant_id);

create table hub.audit_log (
  occurred_on date not null default current_date,
  id bigint generated always as identity,
  tenant_id uuid not null,
  project_id uuid,
  correlation_id uuid not null,
  actor text not null,
  action text not null check (action ~ '^[a-z_]{1,40}$'),
  object text,
  entity_type text,
  external_id text,
  target_type text,
  target_id text,
  remote_ref text,
  outcome text not null check (outcome in ('applied', 'unchanged', 'throttled', 'retryable', 'unknown', 'refused')),
  error_code text,
  remote_status integer,
  before_hash bytea,
  after_hash bytea,
  detail jsonb not null default '{}',
  occurred_at timestamptz not null default clock_timestamp(),
  primary key (occurred_on, id)
) partition by range (occurred_on);
create index audit_log_tenant on hub.audit_log (tenant_id, occurred_at desc);
create index audit_log_correlation on hub.audit_log (correlation_id);
create index audit_log_entity on hub.audit_log (project_id, entity_type, external_id);

-- 6. Partitions ---------------------------------------------------------------------------------------------------------------

create function hub_private.deny_mutation() returns trigger language plpgsql set search_path = '' as $$
begin
  raise exception '%.% is append-only (% denied)', tg_table_schema, tg_table_name, tg_op using errcode = '42501';
end $$;

-- CREATE TABLE (LIKE) and ATTACH take SHARE UPDATE EXCLUSIVE on the parent, where PARTITION OF takes ACCESS EXCLUSIVE and
-- waits for every reader. There is no default partition: it would forbid DETACH CONCURRENTLY.
create function hub_private.ensure_results_month(month date) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  base text := 'results_' || pg_catalog.to_char(month, 'YYYYMM');
begin
  if pg_catalog.to_regclass('hub_part.' || base) is not null then return false; end if;
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('hub.partitions', 0));
  if pg_catalog.to_regclass('hub_part.' || base) is not null then return false; end if;
  execute pg_catalog.format('create table hub_part.%I (like hub.results including defaults including constraints)
    partition by hash (project_id)', base);
  for i in 0..7 loop
    execute pg_catalog.format('create table hub_part.%I partition of hub_part.%I for values with (modulus 8, remainder %s)',
      base || '_p' || i, base, i);
  end loop;
  execute pg_catalog.format('alter table hub.results attach partition hub_part.%I for values from (%L) to (%L)',
    base, month, (month + interval '1 month')::date);
  return true;
end $$;

create function hub_private.ensure_audit_month(month date) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  base text := 'audit_' || pg_catalog.to_char(month, 'YYYYMM');
begin
  if pg_catalog.to_regclass('hub_part.' || base) is not null then return false; end if;
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('hub.partitions', 0));
  if pg_catalog.to_regclass('hub_part.' || base) is not null then return false; end if;
  execute pg_catalog.format('create table hub_part.%I (like hub.audit_log including defaults including constraints)', base);
  execute pg_catalog.format('alter table hub.audit_log attach partition hub_part.%I for values from (%L) to (%L)',
    base, month, (month + interval '1 month')::date);
  -- TRUNCATE of a leaf does not fire the parent's trigger.
  execute pg_catalog.format('create trigger no_truncate before truncate on hub_part.%I
    for each statement execute function hub_private.deny_mutation()', base);
  return true;
end $$;

create function hub_private.ensure_partitions(months_ahead integer default 3) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  made integer := 0;
  month date;
begin
  for offset_months in -1..least(months_ahead, 24) loop
    month := (pg_catalog.date_trunc('month', pg_catalog.now()) + pg_catalog.make_interval(months => offset_months))::date;
    made := made + hub_private.ensure_results_month(month)::integer + hub_private.ensure_audit_month(month)::integer;
  end loop;
  return made;
end $$;

-- The partition for a run whose reports name `hint` as their month. A month far away (a clock set wrong, a report of
-- another decade) is stored with the present month: the month only says where rows are kept and for how long.
create function hub_private.place_run(hint date) returns date
language plpgsql security definer set search_path = '' as $$
declare
  present date := pg_catalog.date_trunc('month', pg_catalog.now())::date;
  month date := pg_catalog.date_trunc('month', coalesce(hint, present))::date;
begin
  if month < present - interval '10 years' or month > present + interval '1 month' then month := present; end if;
  perform hub_private.ensure_results_month(month);
  return month;
end $$;

do $$
begin
  for i in 0..7 loop
    execute format('create table hub_part.entities_p%s partition of hub.entities for values with (modulus 8, remainder %s)', i, i);
  end loop;
end $$;

select hub_private.ensure_partitions();

create trigger audit_rows before update or delete on hub.audit_log
  for each row execute function hub_private.deny_mutation();
create trigger audit_truncate before truncate on hub.audit_log
  for each statement execute function hub_private.deny_mutation();
