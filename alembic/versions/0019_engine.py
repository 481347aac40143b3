"""Chains of workflows that start each other are counted; runs keep who started them; references hold."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# What a run does notes how far down a chain of runs its contacts stand, as {"<contact>": n}, in the setting
# `autoloop.chains` of its transaction. See 0003 for the rest of these functions.
NOTE = """
create or replace function {name}() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  here uuid;{declare}
begin
  for here in select distinct workspace_id from changed loop
    if exists (select from segments s where s.workspace_id = here{where}) then
      insert into segment_changes ({columns}) {insert};
    end if;
  end loop;
  return null;
end
$$
"""
CHAINS = "\n  chains jsonb := nullif(current_setting('autoloop.chains', true), '')::jsonb;"
PLACE = "coalesce((chains ->> {id}::text)::smallint, 0)"
OF_BUSINESS = """case when chains is null then 0 else coalesce((
          select max(n.value::smallint) from jsonb_each_text(chains) n
          join business_contacts m on m.workspace_id = here and m.id = n.key::uuid and m.business_id = r.id), 0) end"""
HEARD = """r.workspace_id = here and r.contact_id is not null and exists (
          select from segments s where s.workspace_id = here and r.name = any(s.event_names))"""

# (table, column, the table it refers to, on delete, more)
REFERENCES = (
    ("workflow_runs", "trigger_id", "workflow_triggers", "no action", ""),
    (
        "email_templates",
        "current_version_id",
        "email_template_versions",
        "no action",
        "deferrable initially deferred",
    ),
    ("suppressions", "email_id", "email_logs", "set null (email_id)", ""),
)


def upgrade() -> None:
    for table in ("events", "segment_changes"):
        op.add_column(table, sa.Column("chain", sa.SmallInteger(), server_default="0", nullable=False))
    for statement in notes(chained=True):
        op.execute(sa.text(statement.replace(":", "\\:")))
    op.add_column("workflow_runs", sa.Column("origin", postgresql.JSONB(), nullable=True))
    op.add_column("run_actions", sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("enrolments", sa.Column("api_key_id", sa.Uuid(), nullable=True))
    for table, column, other, on_delete, more in REFERENCES:
        op.execute(
            f"update {table} f set {column} = null where {column} is not null and not exists "
            f"(select from {other} o where o.workspace_id = f.workspace_id and o.id = f.{column})"
        )
        op.execute(
            f"alter table {table} add constraint fk_{table}_workspace_id_{column} "
            f"foreign key (workspace_id, {column}) references {other} (workspace_id, id) on delete {on_delete} {more}"
        )
    op.create_index(
        "idx_suppressions_email_id",
        "suppressions",
        ["workspace_id", "email_id"],
        postgresql_where=sa.text("email_id is not null"),
    )
    op.add_column("notifications", sa.Column("key", sa.Text(), nullable=True))
    op.create_index(
        "idx_notifications_key",
        "notifications",
        ["workspace_id", "user_id", "key"],
        unique=True,
        postgresql_where=sa.text("key is not null"),
    )
    op.create_index(
        "idx_notifications_read_at",
        "notifications",
        ["read_at"],
        postgresql_where=sa.text("read_at is not null"),
    )


def downgrade() -> None:
    for statement in notes(chained=False):
        op.execute(sa.text(statement.replace(":", "\\:")))
    op.drop_index("idx_notifications_read_at", table_name="notifications")
    op.drop_index("idx_notifications_key", table_name="notifications")
    op.drop_column("notifications", "key")
    op.drop_index("idx_suppressions_email_id", table_name="suppressions")
    for table, column, *_ in REFERENCES:
        op.execute(f"alter table {table} drop constraint fk_{table}_workspace_id_{column}")
    op.execute("delete from workflow_triggers where not is_active")
    op.drop_column("enrolments", "api_key_id")
    op.drop_column("run_actions", "begun_at")
    op.drop_column("workflow_runs", "origin")
    for table in ("segment_changes", "events"):
        op.drop_column(table, "chain")


def notes(*, chained: bool) -> tuple[str, ...]:
    """The functions of the triggers that note whose membership may have changed."""
    more = ", chain" if chained else ""
    columns = f"workspace_id, contact_id{more}"
    contact = f", {PLACE.format(id='r.id')}" if chained else ""
    business = f", greatest({PLACE.format(id='c.id')}, {OF_BUSINESS})" if chained else ""
    events = (
        f"select here, r.contact_id, max(r.chain) from changed r where {HEARD} group by r.contact_id"
        if chained
        else f"select distinct here, r.contact_id from changed r where {HEARD}"
    )
    contacts = f"select here, r.id{contact} from changed r where r.workspace_id = here"
    businesses = f"""select here, c.id{business} from changed r
        join business_contacts c on c.workspace_id = here and c.business_id = r.id where r.workspace_id = here"""
    told = (
        ("autoloop_note_contacts", "", contacts, CHAINS),
        ("autoloop_note_businesses", " and s.reads_business", businesses, CHAINS),
        ("autoloop_note_events", " and s.event_names <> '{}'", events, ""),
    )
    return tuple(
        NOTE.format(name=name, where=where, columns=columns, insert=insert, declare=own if chained else "")
        for name, where, insert, own in told
    )
