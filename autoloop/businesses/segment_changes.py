"""Triggers that note whose membership may have changed, so that no writer of contacts can forget to.

One note per contact and statement, and none at all in a workspace without segments. They run as the
owner: whoever writes needs no right to the notes. They are part of a migration: never change one, make
another.
"""

from __future__ import annotations

__all__ = ["DROP_TRIGGERS", "TRIGGERS"]


# Workspace by workspace, each found through the key: with thousands of segments in an installation the
# planner would else read them all for every event.
def _function(name: str, where: str, insert: str) -> str:
    return f"""
create or replace function {name}() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  here uuid;
begin
  for here in select distinct workspace_id from changed loop
    if exists (select from segments s where s.workspace_id = here{where}) then
      insert into segment_changes (workspace_id, contact_id) {insert};
    end if;
  end loop;
  return null;
end
$$
"""


CONTACTS = "select here, r.id from changed r where r.workspace_id = here"

BUSINESSES = """select here, c.id from changed r
        join business_contacts c on c.workspace_id = here and c.business_id = r.id where r.workspace_id = here"""

EVENTS = """select distinct here, r.contact_id from changed r
        where r.workspace_id = here and r.contact_id is not null and exists (
          select from segments s where s.workspace_id = here and r.name = any(s.event_names))"""


def _trigger(table: str, happening: str, rows: str, function: str) -> str:
    return f"""
create trigger segment_{happening} after {happening} on {table}
referencing {rows} table as changed for each statement execute function {function}()
"""


TRIGGERS = (
    _function("autoloop_note_contacts", "", CONTACTS),
    _function("autoloop_note_businesses", " and s.reads_business", BUSINESSES),
    _function("autoloop_note_events", " and s.event_names <> '{}'", EVENTS),
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
