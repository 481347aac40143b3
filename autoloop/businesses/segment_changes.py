"""Triggers that note whose membership may have changed, so that no writer of contacts can forget to.

One note per contact and statement, and none at all in a workspace without segments. They run as the
owner: whoever writes needs no right to the notes. They are part of a migration: never change one, make
another.
"""

from __future__ import annotations

__all__ = ["DROP_TRIGGERS", "TRIGGERS"]


def _function(name: str, body: str) -> str:
    return f"""
create or replace function {name}() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  {body}
  return null;
end
$$
"""


CONTACTS = """if exists (select from segments) then
    insert into segment_changes (workspace_id, contact_id)
    select r.workspace_id, r.id from changed r
    where r.workspace_id in (select s.workspace_id from segments s);
  end if;"""

BUSINESSES = """if exists (select from segments where reads_business) then
    insert into segment_changes (workspace_id, contact_id)
    select c.workspace_id, c.id from changed r
    join business_contacts c on c.workspace_id = r.workspace_id and c.business_id = r.id
    where r.workspace_id in (select s.workspace_id from segments s where s.reads_business);
  end if;"""

EVENTS = """if exists (select from segments where event_names <> '{}') then
    insert into segment_changes (workspace_id, contact_id)
    select distinct r.workspace_id, r.contact_id from changed r
    join segments s on s.workspace_id = r.workspace_id and r.name = any(s.event_names)
    where r.contact_id is not null;
  end if;"""


def _trigger(table: str, happening: str, rows: str, function: str) -> str:
    return f"""
create trigger segment_{happening} after {happening} on {table}
referencing {rows} table as changed for each statement execute function {function}()
"""


TRIGGERS = (
    _function("autoloop_note_contacts", CONTACTS),
    _function("autoloop_note_businesses", BUSINESSES),
    _function("autoloop_note_events", EVENTS),
    "revoke all on function autoloop_note_contacts(), autoloop_note_businesses(), autoloop_note_events() from public",
    _trigger("business_contacts", "insert", "new", "autoloop_note_contacts"),
    _trigger("business_contacts", "update", "new", "autoloop_note_contacts"),
    _trigger("business_contacts", "delete", "old", "autoloop_note_contacts"),
    _trigger("businesses", "update", "new", "autoloop_note_businesses"),
    _trigger("events", "insert", "new", "autoloop_note_events"),
)

DROP_TRIGGERS = (
    "drop trigger if exists segment_insert on business_contacts",
    "drop trigger if exists segment_update on business_contacts",
    "drop trigger if exists segment_delete on business_contacts",
    "drop trigger if exists segment_update on businesses",
    "drop trigger if exists segment_insert on events",
    "drop function if exists autoloop_note_contacts()",
    "drop function if exists autoloop_note_businesses()",
    "drop function if exists autoloop_note_events()",
)
