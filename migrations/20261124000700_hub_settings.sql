-- What a team decides about its project, as checked JSON of its TOML. One row a project; none where nothing was said.

create table hub.project_settings (
  project_id uuid primary key,
  tenant_id uuid not null,
  settings jsonb not null check (jsonb_typeof(settings) = 'object'),
  updated_at timestamptz not null default now(),
  foreign key (tenant_id, project_id) references hub.projects (tenant_id, id)
);
create index project_settings_tenant on hub.project_settings (tenant_id);

alter table hub.project_settings enable row level security;
alter table hub.project_settings force row level security;
revoke all on hub.project_settings from public, anon, authenticated, service_role, hub_worker;
create policy read_own on hub.project_settings for select to authenticated
  using (tenant_id = any(array(select hub_private.my_tenants())));
create policy worker on hub.project_settings to hub_worker
  using (tenant_id = (select hub_private.ctx_tenant())) with check (tenant_id = (select hub_private.ctx_tenant()));
grant select on hub.project_settings to authenticated;
grant select, insert, update, delete on hub.project_settings to service_role;
grant select, insert, update on hub.project_settings to hub_worker;
