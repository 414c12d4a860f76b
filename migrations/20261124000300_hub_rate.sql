-- The rate budget that all processes share, by site, product, endpoint and method (docs/rate.md). No tenant owns a row: two
-- tenants that publish to one site share its limits. Time is this server's clock alone; callers get waits.
-- Unlogged: a permit is worth a quarter of a second, so nothing here is worth a flush to disk. After a crash the tables are
-- empty, and the site tells its pauses again with the next answer.

create unlogged table hub_private.rate (
  site text not null check (length(site) between 1 and 100),
  product text not null check (length(product) between 1 and 40),
  -- The row of the whole site has both of these empty: it holds pauses and the pace of a quota.
  endpoint text not null check (length(endpoint) <= 200),
  method text not null check (length(method) <= 10),
  -- The theoretical arrival time: when the next permit is due (GCRA).
  tat timestamptz not null default '-infinity',
  pause_until timestamptz not null default '-infinity',
  -- How often a wait without a hint was doubled.
  streak integer not null default 0,
  -- Permits a second that the site told, believed until.
  limit_rps float8 check (limit_rps > 0),
  limit_until timestamptz not null default '-infinity',
  slowed_at timestamptz not null default '-infinity',
  -- Start-time fair queueing: where the projects stand that are at work, less what the slowest of them may lag.
  served float8 not null default 0,
  primary key (site, product, endpoint, method)
) with (fillfactor = 50);

create unlogged table hub_private.rate_share (
  site text not null,
  product text not null,
  endpoint text not null,
  method text not null,
  project_id uuid not null,
  -- Where the project stands in the count of hub_private.rate.served.
  served float8 not null,
  -- It was sent away with permits wanted, and is expected back until then.
  hungry_until timestamptz not null default '-infinity',
  asked_at timestamptz not null,
  primary key (site, product, endpoint, method, project_id)
) with (fillfactor = 50);

revoke all on hub_private.rate, hub_private.rate_share from public;

-- Reserves a block of permits for a project, or says when to come back.
--   granted > 0: the permits are due first_ms (negative: already) from now and then every step_ms; each may be used up to
--     keep_ms late. No more is handed out than is due within the horizon, so that a project that comes later waits little.
--   granted = 0: come back after wait_ms. paused says whether a pause is the reason: 'site', 'endpoint' or nothing.
-- What nobody took in time may be caught up for half of the tolerance here and for the other half by keep_ms. A project that had
-- less than another need not queue behind what that one has reserved already: its permits are due now, and the line becomes
-- longer by them. Without this a project that makes one call at a time would get one permit for each length of the line.
-- The site's own bucket holds one second's calls. Of it the tolerance uses 0.6 s where a project is alone; where several are,
-- 0.4 s, and the early permits 0.35 s. Slow rates, whose bucket holds a few calls, get less of both.
create function hub_private.rate_take(
  p_site text, p_product text, p_endpoint text, p_method text, p_project uuid, p_rps float8, p_want integer,
  out granted integer, out first_ms float8, out step_ms float8, out keep_ms float8, out wait_ms float8, out paused text)
language plpgsql security definer set search_path = '' as $$
declare
  horizon constant interval := '250 milliseconds';
  early constant interval := '350 milliseconds';
  grace constant interval := '150 milliseconds';
  at_site hub_private.rate;
  r hub_private.rate;
  ours float8;
  rps float8;
  step interval;
  tolerance interval;
  pace float8;
  due timestamptz;
  now timestamptz;
  is_behind boolean;
  reach interval;
  others integer;
  others_least float8;
  others_most float8;
  others_back timestamptz;
begin
  granted := 0;
  -- NaN counts as more than infinity here.
  if p_rps is null or p_rps <= 0 or p_rps >= 'infinity' or p_want is null or p_want < 1 then
    raise exception 'the rate % and the number % of permits must be above 0', p_rps, p_want using errcode = '22023';
  end if;
  -- Locked only while a quota is paced, and always before the endpoint's row.
  select * into at_site from hub_private.rate x
   where x.site = p_site and x.product = p_product and x.endpoint = '' and x.method = '';
  if at_site.limit_until > pg_catalog.clock_timestamp() then
    select * into at_site from hub_private.rate x
     where x.site = p_site and x.product = p_product and x.endpoint = '' and x.method = '' for update;
  end if;
  loop
    select * into r from hub_private.rate x
     where x.site = p_site and x.product = p_product and x.endpoint = p_endpoint and x.method = p_method for update;
    exit when found;
    insert into hub_private.rate (site, product, endpoint, method) values (p_site, p_product, p_endpoint, p_method)
    on conflict do nothing;
  end loop;
  now := pg_catalog.clock_timestamp();

  if greatest(r.pause_until, at_site.pause_until) > now then
    paused := case when at_site.pause_until > r.pause_until then 'site' else 'endpoint' end;
    wait_ms := 1000 * extract(epoch from greatest(r.pause_until, at_site.pause_until) - now);
    return;
  end if;

  select greatest(s.served, r.served) into ours from hub_private.rate_share s
   where s.site = p_site and s.product = p_product and s.endpoint = p_endpoint and s.method = p_method
     and s.project_id = p_project;
  if not found then
    ours := r.served;
    -- Who has not asked for so long has no claim that could be lost.
    delete from hub_private.rate_share s
     where s.site = p_site and s.product = p_product and s.endpoint = p_endpoint and s.method = p_method
       and s.asked_at < now - '10 seconds'::interval;
  end if;
  select count(*), min(s.served), max(s.served),
         max(s.hungry_until) filter (where s.hungry_until > now and greatest(s.served, r.served) < ours)
    into others, others_least, others_most, others_back from hub_private.rate_share s
   where s.site = p_site and s.product = p_product and s.endpoint = p_endpoint and s.method = p_method
     and s.project_id <> p_project and s.asked_at > now - '1 second'::interval;

  rps := case when r.limit_until > now then least(p_rps, r.limit_rps) else p_rps end;
  step := pg_catalog.make_interval(secs => 1 / rps);
  tolerance := pg_catalog.make_interval(
    secs => least(case when others = 0 then 0.6 else 0.4 end, greatest(0.1, 0.8 - 2 / rps)) / 2);
  -- After a pause the site's bucket is empty: what was due meanwhile is not caught up.
  due := greatest(r.tat, now - tolerance, r.pause_until, at_site.pause_until);
  if at_site.limit_until > now then
    pace := at_site.limit_rps;
    step := greatest(step, pg_catalog.make_interval(secs => 1 / pace));
    due := greatest(due, at_site.tat);
  end if;
  is_behind := ours < others_most and rps >= 8 and pace is null;
  reach := case when is_behind then early else horizon end;

  if due > now + reach or others_back is not null then
    -- Behind another project: come back when it has been here.
    due := greatest(due - reach, now + '1 millisecond'::interval,
      least(others_back - grace, now + '50 milliseconds'::interval) + '2 milliseconds'::interval);
    wait_ms := 1000 * extract(epoch from due - now);
    insert into hub_private.rate_share as s (site, product, endpoint, method, project_id, served, hungry_until, asked_at)
    values (p_site, p_product, p_endpoint, p_method, p_project, ours, due + grace, now)
    on conflict (site, product, endpoint, method, project_id)
      do update set served = excluded.served, hungry_until = excluded.hungry_until, asked_at = excluded.asked_at;
    return;
  end if;

  granted := least(p_want, greatest(1, floor(least(rps, pace) / 10 / (1 + others))::integer));
  first_ms := 1000 * extract(epoch from case when is_behind then least(due, now) else due end - now);
  step_ms := 1000 * extract(epoch from step);
  keep_ms := 1000 * extract(epoch from tolerance);
  -- Who is at work keeps the claim to what it had less than others, for half a second's permits.
  update hub_private.rate x
     set tat = due + granted * step, served = greatest(r.served, least(ours, others_least), ours - rps / 2)
   where x.site = p_site and x.product = p_product and x.endpoint = p_endpoint and x.method = p_method;
  if pace is not null then
    update hub_private.rate x set tat = due + granted * pg_catalog.make_interval(secs => 1 / pace)
     where x.site = p_site and x.product = p_product and x.endpoint = '' and x.method = '';
  end if;
  insert into hub_private.rate_share as s (site, product, endpoint, method, project_id, served, asked_at)
  values (p_site, p_product, p_endpoint, p_method, p_project, ours + granted, now)
  on conflict (site, product, endpoint, method, project_id)
    do update set served = excluded.served, hungry_until = '-infinity', asked_at = excluded.asked_at;
end $$;

-- Pauses an endpoint and method, or the site where both are empty, and returns how long it stands still from now on. A told wait
-- is the least; one without a hint begins with p_wait_ms, is doubled while refusals go on, up to p_longest_ms, and is changed by
-- p_factor. Within a pause a wait without a hint changes nothing: calls that were under way together are refused together.
create function hub_private.rate_pause(
  p_site text, p_product text, p_endpoint text, p_method text,
  p_wait_ms float8, p_is_told boolean, p_factor float8, p_longest_ms float8, p_streak_ms float8)
returns float8 language plpgsql security definer set search_path = '' as $$
declare
  r hub_private.rate;
  now timestamptz;
begin
  insert into hub_private.rate (site, product, endpoint, method) values (p_site, p_product, p_endpoint, p_method)
  on conflict do nothing;
  select * into strict r from hub_private.rate x
   where x.site = p_site and x.product = p_product and x.endpoint = p_endpoint and x.method = p_method for update;
  now := pg_catalog.clock_timestamp();
  if p_is_told then
    r.pause_until := greatest(r.pause_until, now + pg_catalog.make_interval(secs => p_wait_ms / 1000));
  elsif r.pause_until <= now then
    r.streak := case when r.pause_until + pg_catalog.make_interval(secs => p_streak_ms / 1000) > now
      then least(r.streak + 1, 8) else 0 end;
    r.pause_until := now + pg_catalog.make_interval(
      secs => least(p_wait_ms * 2 ^ r.streak, p_longest_ms) * p_factor / 1000);
  end if;
  update hub_private.rate x set pause_until = r.pause_until, streak = r.streak
   where x.site = p_site and x.product = p_product and x.endpoint = p_endpoint and x.method = p_method;
  return 1000 * extract(epoch from r.pause_until - now);
end $$;

-- Believes a limit for a while: of an endpoint and method, or, where both are empty, the pace of the site's quota.
create function hub_private.rate_limit(
  p_site text, p_product text, p_endpoint text, p_method text, p_rps float8, p_lasts_ms float8)
returns void language sql security definer set search_path = '' as $$
  insert into hub_private.rate as x (site, product, endpoint, method, limit_rps, limit_until)
  values (p_site, p_product, p_endpoint, p_method, greatest(p_rps, 0.001),
    pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => p_lasts_ms / 1000))
  on conflict (site, product, endpoint, method)
    do update set limit_rps = excluded.limit_rps, limit_until = excluded.limit_until
$$;

-- Takes a little from an endpoint, at most once in p_every_ms whoever asks.
create function hub_private.rate_slow(
  p_site text, p_product text, p_endpoint text, p_method text, p_by_ms float8, p_every_ms float8)
returns void language sql security definer set search_path = '' as $$
  update hub_private.rate x
     set tat = greatest(x.tat, pg_catalog.clock_timestamp()) + pg_catalog.make_interval(secs => p_by_ms / 1000),
         slowed_at = pg_catalog.clock_timestamp()
   where x.site = p_site and x.product = p_product and x.endpoint = p_endpoint and x.method = p_method
     and x.slowed_at + pg_catalog.make_interval(secs => p_every_ms / 1000) <= pg_catalog.clock_timestamp()
$$;

revoke all on function
  hub_private.rate_take(text, text, text, text, uuid, float8, integer),
  hub_private.rate_pause(text, text, text, text, float8, boolean, float8, float8, float8),
  hub_private.rate_limit(text, text, text, text, float8, float8),
  hub_private.rate_slow(text, text, text, text, float8, float8) from public;
grant execute on function
  hub_private.rate_take(text, text, text, text, uuid, float8, integer),
  hub_private.rate_pause(text, text, text, text, float8, boolean, float8, float8, float8),
  hub_private.rate_limit(text, text, text, text, float8, float8),
  hub_private.rate_slow(text, text, text, text, float8, float8) to hub_worker;
