-- Tokens of the HTTP API. Only the digest of a token's secret half is here: a copy of the database opens nothing.

create table hub.api_tokens (
  id uuid primary key,
  tenant_id uuid not null,
  -- Nothing: every project of the tenant.
  project_id uuid,
  name text not null check (length(name) between 1 and 100),
  secret_sha256 bytea not null check (octet_length(secret_sha256) = 32),
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz,
  foreign key (tenant_id) references hub.tenants (id),
  foreign key (tenant_id, project_id) references hub.projects (tenant_id, id)
);
create index api_tokens_tenant on hub.api_tokens (tenant_id);
create unique index api_tokens_name on hub.api_tokens (tenant_id, name) where revoked_at is null;

alter table hub.api_tokens enable row level security;
alter table hub.api_tokens force row level security;
revoke all on hub.api_tokens from public, anon, authenticated, service_role, hub_worker;
create policy read_own on hub.api_tokens for select to authenticated
  using (tenant_id = any(array(select hub_private.my_tenants('admin'))));
create policy worker on hub.api_tokens to hub_worker
  using (tenant_id = (select hub_private.ctx_tenant())) with check (tenant_id = (select hub_private.ctx_tenant()));
-- The digest is nobody's to read but the hub's.
grant select (id, tenant_id, project_id, name, created_at, expires_at, last_used_at, revoked_at) on hub.api_tokens to authenticated;
grant select, insert, update, delete on hub.api_tokens to service_role;
grant select, insert, update on hub.api_tokens to hub_worker;
