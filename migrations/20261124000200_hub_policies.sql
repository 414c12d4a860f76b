-- Row-level security and grants. One loop over every table of the schema, so that none can be forgotten.
-- The form `tenant_id = any(array(select ...))` uses an index; `in (select ...)` and `exists` were measured 100 times slower.

create function hub_private.my_tenants(min_role text default 'viewer') returns setof uuid
language sql stable security definer set search_path = '' as $$
  select m.tenant_id from hub.tenant_members m
   where m.user_id = (select auth.uid())
     and array_position(array['viewer', 'editor', 'admin', 'owner'], m.role)
      >= array_position(array['viewer', 'editor', 'admin', 'owner'], min_role)
$$;

-- The tenant for which the hub works in this transaction; null, and so no row, where none is set.
create function hub_private.ctx_tenant() returns uuid language sql stable set search_path = '' as $$
  select nullif(current_setting('hub.tenant_id', true), '')::uuid
$$;

-- Up to when every committed row of other sessions can be seen (docs/database.md). Security definer: without pg_monitor the
-- start of other sessions' transactions is hidden, and the watermark would silently be too late.
create function hub_private.safe_watermark(margin interval default '1 second') returns timestamptz
language sql volatile security definer set search_path = '' as $$
  select least(
    pg_catalog.clock_timestamp() - margin,
    (select min(a.xact_start) from pg_catalog.pg_stat_activity a
      where a.xact_start is not null and a.pid <> pg_catalog.pg_backend_pid()
        and a.datname = pg_catalog.current_database() and a.backend_type in ('client backend', 'background worker')),
    (select min(p.prepared) from pg_catalog.pg_prepared_xacts p where p.database = pg_catalog.current_database()))
$$;

do $$
declare
  t text;
  own text;
  least_role text;
begin
  for t in
    select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'hub' and c.relkind in ('r', 'p') order by c.relname
  loop
    execute format('alter table hub.%I enable row level security', t);
    execute format('alter table hub.%I force row level security', t);
    execute format('revoke all on hub.%I from public, anon, authenticated, service_role, hub_worker', t);
    own := case when t = 'tenants' then 'id' else 'tenant_id' end;
    least_role := case
      when t in ('connectors', 'audit_log', 'cursors', 'import_rejects', 'sync_jobs') then 'admin' else 'viewer' end;

    if t = 'tenant_members' then
      execute 'create policy read_self on hub.tenant_members for select to authenticated using (user_id = (select auth.uid()))';
    else
      execute format('create policy read_own on hub.%I for select to authenticated
        using (%I = any(array(select hub_private.my_tenants(%L))))', t, own, least_role);
      execute format('create policy worker on hub.%I to hub_worker
        using (%I = (select hub_private.ctx_tenant())) with check (%I = (select hub_private.ctx_tenant()))', t, own, own);
    end if;

    execute format('grant select on hub.%I to authenticated', t);
    execute format('grant %s on hub.%I to service_role',
      case when t = 'audit_log' then 'select, insert' else 'select, insert, update, delete' end, t);
    if t <> 'tenant_members' then
      execute format('grant %s on hub.%I to hub_worker', case
        when t in ('tenants', 'projects') then 'select'
        when t = 'connectors' then 'select, update'
        when t = 'audit_log' then 'select, insert'
        when t = 'results' then 'select, insert, update, delete'
        else 'select, insert, update' end, t);
    end if;
  end loop;
end $$;

-- Where the secret is stays hidden from users, tenant admins included.
revoke select on hub.connectors from authenticated;
grant select (id, tenant_id, project_id, kind, base_url, account_email, capabilities_at, rate, created_at, updated_at)
  on hub.connectors to authenticated;

create view hub.run_counts with (security_invoker = on) as
  select tenant_id, project_id, run_month, run_id, count(*) as total,
         count(*) filter (where status = 'passed') as passed,
         count(*) filter (where status in ('failed', 'broken', 'timeout')) as unsuccessful,
         count(*) filter (where status = 'flaky') as flaky,
         count(*) filter (where status in ('skipped', 'blocked', 'not_run')) as not_executed
    from hub.results group by 1, 2, 3, 4;
grant select on hub.run_counts to authenticated, hub_worker, service_role;

grant usage on schema hub to authenticated, hub_worker, service_role;
grant usage on sequence hub.publication_fence to hub_worker;

revoke all on all functions in schema hub_private from public;
grant usage on schema hub_private to authenticated, hub_worker;
grant execute on function hub_private.my_tenants(text) to authenticated;
grant execute on function hub_private.ctx_tenant(), hub_private.safe_watermark(interval),
  hub_private.ensure_partitions(integer), hub_private.place_run(date) to hub_worker;
