-- What the audit of the sites found to be other than the ledger says. A finding stays until an audit no longer meets it.

create table hub.findings (
  project_id uuid not null,
  tenant_id uuid not null,
  kind text not null check (kind in ('duplicate', 'gone', 'moved', 'stale', 'edited')),
  object text not null check (object in ('issue', 'page')),
  entity_type text not null,
  external_id text not null,
  remote_ref text not null check (remote_ref <> ''),
  detail text not null default '',
  found_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  healed_at timestamptz,
  primary key (project_id, object, entity_type, external_id, kind, remote_ref),
  foreign key (tenant_id, project_id) references hub.projects (tenant_id, id)
);
create index findings_tenant on hub.findings (tenant_id);
create index findings_open on hub.findings (project_id) where healed_at is null;

alter table hub.findings enable row level security;
alter table hub.findings force row level security;
revoke all on hub.findings from public, anon, authenticated, service_role, hub_worker;
create policy read_own on hub.findings for select to authenticated
  using (tenant_id = any(array(select hub_private.my_tenants())));
create policy worker on hub.findings to hub_worker
  using (tenant_id = (select hub_private.ctx_tenant())) with check (tenant_id = (select hub_private.ctx_tenant()));
grant select on hub.findings to authenticated;
grant select, insert, update, delete on hub.findings to service_role;
grant select, insert, update on hub.findings to hub_worker;

-- Whether an issue's marker is a label too: a second witness, which the search index finds wherever the issue was moved.
-- Only where a project asks for it, because labels are for people.
alter table hub.projects add column label_marker boolean not null default false;
