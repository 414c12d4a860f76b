-- Schemas and roles. On Supabase the roles anon, authenticated and service_role and the schema auth are there and are not
-- touched; on plain Postgres they are created, so that the same policies hold everywhere.
-- Applied by `haida-hub migrate`, by the Supabase CLI or by `psql -1 -f`, as a role that may create roles and bypasses
-- row-level security (Supabase's postgres, or a superuser).

do $$
begin
  if not exists (select from pg_roles where rolname = current_user and (rolsuper or rolbypassrls)) then
    raise exception 'the role % must bypass row-level security to own the hub''s tables', current_user
      using errcode = '42501', hint = 'Use the database''s postgres role, or: alter role ... bypassrls.';
  end if;
end $$;

create schema if not exists hub;
create schema if not exists hub_part;
create schema if not exists hub_private;
revoke all on schema hub, hub_part, hub_private from public;

-- Roles belong to the whole cluster: another database's migration may create them at the same moment.
do $$
declare wanted text;
begin
  foreach wanted in array array['anon', 'authenticated', 'service_role', 'hub_worker'] loop
    if not exists (select from pg_roles where rolname = wanted) then
      begin
        if wanted = 'service_role' and (select rolsuper from pg_roles where rolname = current_user) then
          create role service_role nologin noinherit bypassrls;
        else
          execute format('create role %I nologin noinherit', wanted);
        end if;
      exception when duplicate_object or unique_violation then null;
      end;
    end if;
  end loop;
end $$;

-- The hub's connection becomes hub_worker for the length of a transaction (`set local role`), so whoever migrates must be
-- able to. A superuser always is. Supabase rejects ALTER ROLE of these attributes, hence no more than this.
do $$
declare may_become boolean;
begin
  if current_setting('server_version_num')::int >= 160000 then
    may_become := pg_has_role(current_user, 'hub_worker', 'SET');
  else
    may_become := pg_has_role(current_user, 'hub_worker', 'MEMBER');
  end if;
  if not may_become then
    execute format('grant hub_worker to %I', current_user);
  end if;
end $$;

do $$
begin
  if to_regnamespace('auth') is null then
    create schema auth;
    grant usage on schema auth to anon, authenticated, service_role;
  end if;
  if to_regprocedure('auth.uid()') is null then
    -- As Supabase defines it: the subject of the request's token, null without one.
    create function auth.uid() returns uuid language sql stable as $uid$
      select coalesce(
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')
      )::uuid
    $uid$;
    grant execute on function auth.uid() to anon, authenticated, service_role;
  end if;
end $$;
