"""Old months of journals, attempts and events are dropped on a schedule; a deleted workspace leaves no journal."""

import sqlalchemy as sa
from alembic import op

from autoloop.base.tenancy import instance_table

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

# One month of one table for each call, so that its locks are held for a moment and then given back. Whoever
# holds a lock on the table for longer than half a second is left in peace: the caller asks again later, as
# what waits for an exclusive lock makes all others wait behind it.
DROP = r"""
create function autoloop_drop_partition(before date) returns text
language plpgsql security definer set search_path = public, pg_temp set timezone = 'UTC' set lock_timeout = '500ms' as $$
declare
  parent text; name text; month timestamptz; first uuid; beyond uuid; held uuid[];
  this_month text := to_char(now(), 'YYYY-MM');
begin
  perform pg_advisory_xact_lock(hashtextextended('autoloop partitions', 0));
  before := least(before, date_trunc('month', now())::date);
  foreach parent in array array['run_steps', 'email_attempts', 'events'] loop
    for name in
      select child.relname::text from pg_inherits join pg_class child on child.oid = inhrelid
      where inhparent = parent::regclass and child.relname ~ ('^' || parent || '_[0-9]{4}_[0-9]{2}$') order by 1
    loop
      month := to_date(right(name, 7), 'YYYY_MM');
      exit when month + interval '1 month' > before;
      first := autoloop_id_floor(month);
      beyond := autoloop_id_floor(month + interval '1 month');
      held := case parent
        when 'run_steps' then array(select id from workflow_runs where id >= first and id < beyond
          and (ended_at is null or ended_at > now() - interval '31 days') limit 10001)
        when 'email_attempts' then array(select id from email_logs where id >= first and id < beyond
          and status in ('intent', 'sending', 'unknown') limit 10001)
        else array(select id from events where id >= first and id < beyond and pending limit 1) end;
      if cardinality(held) = 0 then
        execute format('drop table %I', name);
        return name;
      elsif parent <> 'events' and cardinality(held) <= 10000
          and obj_description(name::regclass, 'pg_class') is distinct from this_month then
        perform autoloop_thin_partition(parent, name, first, beyond, held);
        execute format('comment on table %I is %L', name, this_month);
        return name;
      end if;
    end loop;
  end loop;
  return null;
end $$
"""

# What few unfinished runs or mails still need goes into a new table for the month; the old one is dropped.
THIN = r"""
create function autoloop_thin_partition(parent text, name text, first uuid, beyond uuid, held uuid[]) returns void
language plpgsql set search_path = public, pg_temp set timezone = 'UTC' set lock_timeout = '500ms' as $$
declare
  key text := case parent when 'run_steps' then 'run_id' else 'email_id' end;
begin
  if parent = 'email_attempts' then  -- in the order in which deliveries lock
    lock table workspaces, email_logs in share row exclusive mode;
  end if;
  execute format('lock table %I in access exclusive mode', parent);
  execute format('create table partition_kept as select * from %I where %I = any($1)', name, key) using held;
  execute format('drop table %I', name);
  execute format('create table %I partition of %I for values from (%L) to (%L)', name, parent, first, beyond);
  execute format('insert into %I select * from partition_kept', name);
  drop table partition_kept;
end $$
"""

STRAYS = r"""
create function autoloop_stray_tables() returns text[]
language sql stable security definer set search_path = public, pg_temp as $$
  select array(select 'run_steps' where exists (select from run_steps_default)
    union all select 'email_attempts' where exists (select from email_attempts_default)
    union all select 'events' where exists (select from events_default))
$$
"""

# The journal has no foreign key to leave by.
FORGET = r"""
create function autoloop_forget_journal() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  delete from run_steps s using workflow_runs r
  where r.workspace_id = old.id and s.run_id = r.id and s.workspace_id = old.id;
  return old;
end $$
"""

RIGHTS = (
    """revoke all on function autoloop_drop_partition(date), autoloop_stray_tables(), autoloop_forget_journal(),
      autoloop_thin_partition(text, text, uuid, uuid, uuid[]) from public""",
    "grant execute on function autoloop_drop_partition(date) to autoloop_worker",
    "grant execute on function autoloop_stray_tables() to autoloop_web, autoloop_worker",
)

# Analyzed while each workspace had one row, a table would make PostgreSQL believe that a workspace always has
# one: any index that begins with it would seem as good as the primary key, and a batch would read all rows of a
# workspace once for each of its own. A thousandth is near enough for all sizes.
MANY_ROWS = (
    "automation_workflows",
    "business_contacts",
    "businesses",
    "email_logs",
    "run_actions",
    "run_stimuli",
    "run_waits",
    "workflow_runs",
)


def upgrade() -> None:
    for table in MANY_ROWS:
        op.execute(f"alter table {table} alter column workspace_id set (n_distinct = -0.001)")
    op.create_table(
        "partition_turns",
        sa.Column("single", sa.Boolean(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("single", name=op.f("ck_partition_turns_single")),
        sa.PrimaryKeyConstraint("single", name=op.f("pk_partition_turns")),
    )
    instance_table("partition_turns")
    op.execute("insert into partition_turns values (true, now())")
    for function in (DROP, THIN, STRAYS, FORGET, *RIGHTS):
        op.execute(function)
    op.execute("drop function if exists autoloop_drop_partitions(date)")
    op.execute(
        "create trigger forget_journal before delete on workspaces for each row "
        "execute function autoloop_forget_journal()"
    )


def downgrade() -> None:
    for table in MANY_ROWS:
        op.execute(f"alter table {table} alter column workspace_id reset (n_distinct)")
    op.execute("drop trigger forget_journal on workspaces")
    op.execute("drop function autoloop_forget_journal()")
    op.execute("drop function autoloop_stray_tables()")
    op.execute("drop function autoloop_drop_partition(date)")
    op.execute("drop function autoloop_thin_partition(text, text, uuid, uuid, uuid[])")
    op.drop_table("partition_turns")
