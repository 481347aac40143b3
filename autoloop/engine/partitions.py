"""Monthly partitions of what grows: made six months ahead, dropped whole.

Serving roles own nothing, so the functions are the owner's (`security definer`) and take no names:
what they may touch is fixed here. The first migration creates them from `FUNCTIONS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from autoloop.base.due import DueKind

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["AHEAD", "FUNCTIONS", "KINDS", "STRAYS", "TABLES"]

TABLES = ("run_steps", "email_attempts", "events")
AHEAD = 6
LISTED = ", ".join(f"'{table}'" for table in TABLES)

FLOOR = """
create or replace function autoloop_id_floor(at timestamptz) returns uuid language sql immutable as $$
  select (lpad(to_hex(floor(extract(epoch from at) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
$$
"""

MAKE = f"""
create or replace function autoloop_make_partitions() returns integer
language plpgsql security definer set search_path = public, pg_temp set timezone = 'UTC' as $$
declare
  parent text; month timestamptz; name text; made integer := 0;
begin
  perform pg_advisory_xact_lock(hashtextextended('autoloop partitions', 0));
  foreach parent in array array[{LISTED}] loop
    if to_regclass(parent || '_default') is null then
      execute format('create table %I partition of %I default', parent || '_default', parent);
    end if;
    for ahead in 0..{AHEAD} loop
      month := date_trunc('month', now()) + make_interval(months => ahead);
      name := parent || to_char(month, '_YYYY_MM');
      if to_regclass(name) is null then
        begin
          execute format('create table %I partition of %I for values from (%L) to (%L)', name, parent,
            autoloop_id_floor(month), autoloop_id_floor(month + interval '1 month'));
          made := made + 1;
        exception when check_violation then
          raise warning 'the default partition of % holds rows of %', parent, month;
        end;
      end if;
    end loop;
  end loop;
  return made;
end $$
"""

UNFINISHED = {
    "run_steps": "select 1 from workflow_runs where ended_at is null and id >= %L and id < %L",
    "email_attempts": "select 1 from email_logs where status in ('intent', 'sending', 'unknown') and id >= %L and id < %L",
    "events": "select 1 from events where pending and id >= %L and id < %L",
}

DROP = f"""
create or replace function autoloop_drop_partitions(before date) returns integer
language plpgsql security definer set search_path = public, pg_temp set timezone = 'UTC' as $$
declare
  parent text; name text; month timestamptz; held boolean; question text; dropped integer := 0;
begin
  perform pg_advisory_xact_lock(hashtextextended('autoloop partitions', 0));
  foreach parent in array array[{LISTED}] loop
    question := case parent
      {" ".join(f"when '{table}' then $q${sql}$q$" for table, sql in UNFINISHED.items())} end;
    for name in
      select child.relname::text from pg_inherits join pg_class child on child.oid = inhrelid
      where inhparent = parent::regclass and child.relname ~ ('^' || parent || '_[0-9]{{4}}_[0-9]{{2}}$') order by 1
    loop
      month := to_timestamp(right(name, 7), 'YYYY_MM');
      if month + interval '1 month' <= before then
        execute format('select exists (' || question || ')', autoloop_id_floor(month),
          autoloop_id_floor(month + interval '1 month')) into held;
        if not held then
          execute format('drop table %I', name);
          dropped := dropped + 1;
        end if;
      end if;
    end loop;
  end loop;
  return dropped;
end $$
"""

FUNCTIONS = (
    FLOOR,
    MAKE,
    DROP,
    "revoke all on function autoloop_make_partitions(), autoloop_drop_partitions(date) from public",
    "grant execute on function autoloop_make_partitions(), autoloop_drop_partitions(date) to autoloop_worker",
)

STRAYS = " union all ".join(
    f"select '{table}' where exists (select 1 from {table}_default)" for table in TABLES
)
"""SQL naming the tables whose default partition holds rows: `/ready` warns of them. Owner only."""

LATE = " or ".join(
    f"to_regclass('{table}' || to_char(now() at time zone 'UTC' + interval '{AHEAD - 1} months', '_YYYY_MM')) is null"
    for table in TABLES
)
OLD_KEYS = "received_at < now() - interval '90 days'"


def make(runtime: Runtime) -> int:
    """Make what is missing. Always 0: one call makes everything."""
    with runtime.unit("worker") as services:
        services.session.execute(text("select autoloop_make_partitions()"))
    return 0


def forget_event_keys(runtime: Runtime) -> int:
    """Delete keys of events older than the replay window, a thousand at a time."""
    with runtime.unit("worker") as services:
        batch = f"select ctid from event_keys where {OLD_KEYS} limit 1000"
        done = services.session.execute(text(f"delete from event_keys where ctid = any(array({batch}))"))
        return int(done.rowcount)  # type: ignore[attr-defined]


KINDS = (
    DueKind("partitions", f"select {LATE}", make),
    DueKind("event_keys", f"select exists (select 1 from event_keys where {OLD_KEYS})", forget_event_keys),
)
