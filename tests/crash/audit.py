"""Who held which fence, and who wrote: noted by triggers in the test's own database."""

from __future__ import annotations

import psycopg

from autoloop.settings import Settings

__all__ = ["watch_fences"]

NOTE = """
create table crash_fences (at timestamptz not null default clock_timestamp(), workspace_id uuid, kind text, id uuid,
  fence bigint, who text default current_setting('application_name'), what text);
create index on crash_fences (id);
grant select, insert on crash_fences to autoloop_web, autoloop_worker;

create function crash_note() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    insert into crash_fences (workspace_id, kind, id, fence, what)
    values (old.workspace_id, tg_table_name, old.id, old.fence, 'written');
    return old;
  elsif new.fence <> old.fence then
    insert into crash_fences (workspace_id, kind, id, fence, what)
    values (new.workspace_id, tg_table_name, new.id, new.fence, 'claimed');
  elsif (tg_table_name = 'run_actions' and old.lease_until is not null and new.lease_until is null)
      or (tg_table_name = 'email_logs' and to_jsonb(old) ->> 'status' = 'intent' and to_jsonb(new) ->> 'status' = 'sending') then
    insert into crash_fences (workspace_id, kind, id, fence, what)
    values (new.workspace_id, tg_table_name, new.id, new.fence, 'written');
  end if;
  return new;
end $$;

create trigger crash_note before update on email_logs for each row execute function crash_note();
create trigger crash_note before update or delete on run_actions for each row execute function crash_note();
"""


def watch_fences(settings: Settings) -> None:
    """Note claims and what is written under them; who is told apart by `application_name`, "crash:…"."""
    url = settings.database_owner_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(NOTE)
