-- The outbox: triggers that note which row changed, deletes included. It is opt-in: without it the hub finds changes by their
-- time and deletes by a nightly comparison. It costs writes: an insert of 100,000 rows takes about 1.8 times as long, and
-- single small writes a third to a half more. `haida-hub source sql --outbox` prints this file; apply it after the one of
-- `--role`, as the owner of the tables; applying it twice does no harm.

create schema if not exists hub_outbox;
create table if not exists hub_outbox.change_feed (
  seq bigint generated always as identity,
  -- The transaction that writes: readers stop below the oldest that is still open.
  xid xid8 not null default pg_current_xact_id(),
  tbl text not null,
  op "char" not null check (op in ('I', 'U', 'D', 'T')),
  row_id text,
  noted_at timestamptz not null default clock_timestamp(),
  primary key (xid, seq)
);
-- Up to which transaction entries were cleared away. A reader that is behind it compares everything once.
create table if not exists hub_outbox.cleared (only_row boolean primary key default true check (only_row), cleared_xid xid8 not null);

-- The trigger's argument is the name of the key column.
create or replace function hub_outbox.note() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  tbl text := tg_table_schema || '.' || tg_table_name;
begin
  if tg_op = 'TRUNCATE' then
    insert into hub_outbox.change_feed (tbl, op) values (tbl, 'T');
  elsif tg_op = 'DELETE' then
    insert into hub_outbox.change_feed (tbl, op, row_id) values (tbl, 'D', pg_catalog.to_jsonb(old) ->> tg_argv[0]);
  else
    insert into hub_outbox.change_feed (tbl, op, row_id)
      values (tbl, pg_catalog.substr(tg_op, 1, 1)::"char", pg_catalog.to_jsonb(new) ->> tg_argv[0]);
    if tg_op = 'UPDATE' and pg_catalog.to_jsonb(old) ->> tg_argv[0] is distinct from pg_catalog.to_jsonb(new) ->> tg_argv[0] then
      insert into hub_outbox.change_feed (tbl, op, row_id) values (tbl, 'D', pg_catalog.to_jsonb(old) ->> tg_argv[0]);
    end if;
  end if;
  return null;
end $$;
revoke all on function hub_outbox.note() from public;

-- Removes entries that are older than some time. To be called now and then, as by pg_cron; the hub only reads.
create or replace function hub_outbox.clear(older_than interval default '7 days') returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  highest xid8;
  gone bigint;
begin
  with deleted as (
    delete from hub_outbox.change_feed f where f.noted_at < pg_catalog.clock_timestamp() - older_than returning f.xid)
  select max(d.xid::text::numeric)::text::xid8, count(*) into highest, gone from deleted d;
  if gone > 0 then
    insert into hub_outbox.cleared as c (cleared_xid) values (highest)
      on conflict (only_row) do update set cleared_xid = excluded.cleared_xid where c.cleared_xid < excluded.cleared_xid;
  end if;
  return gone;
end $$;
revoke all on function hub_outbox.clear(interval) from public;

-- The tables. For others, add their names; where the key is not called id, give its name instead.
do $$
declare wanted text;
begin
  foreach wanted in array array['test_suites', 'test_cases', 'test_executions', 'test_results', 'defects'] loop
    if to_regclass('public.' || quote_ident(wanted)) is null then continue; end if;
    execute format('drop trigger if exists hub_outbox_rows on public.%I', wanted);
    execute format('drop trigger if exists hub_outbox_truncate on public.%I', wanted);
    execute format('create trigger hub_outbox_rows after insert or update or delete on public.%I
      for each row execute function hub_outbox.note(''id'')', wanted);
    execute format('create trigger hub_outbox_truncate after truncate on public.%I
      for each statement execute function hub_outbox.note(''id'')', wanted);
  end loop;
end $$;

do $$
begin
  if exists (select from pg_roles where rolname = 'hub_reader') then
    grant usage on schema hub_outbox to hub_reader;
    grant select on hub_outbox.change_feed, hub_outbox.cleared to hub_reader;
  end if;
end $$;
