"""Opens and clicks of AutoLoop's own mail: who agreed to them, which mail has them, what was counted."""

import sqlalchemy as sa
from alembic import op

from autoloop.base.tenancy import tenant_table

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

SAID = "('marketing', {more}'unsubscribe', 'topic', 'pace', 'language', 'pause')"

# What the history of consent notes; `{more}` is where tracking comes in.
NOTE = """
create or replace function autoloop_note_consent() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into consent_changes (workspace_id, id, contact_id, address_hash, what, subject, before, after, source,
    ip_hash, user_id)
  select new.workspace_id, autoloop_new_id(), new.id,
    case when new.email_normal <> '' then sha256(uuid_send(new.workspace_id) || convert_to(new.email_normal, 'UTF8')) end,
    c.what, c.subject, c.before, c.after, coalesce(c.source, autoloop_said('by'), ''),
    decode(autoloop_said('ip'), 'hex'), autoloop_said('user')::uuid
  from (
    select 'marketing' as what, '' as subject, old.consent_marketing as before, new.consent_marketing as after,
      nullif(new.consent_source, '') as source where new.consent_marketing <> old.consent_marketing
    {more}
    union all select 'topic', t, 'subscribed', 'unsubscribed', null
      from unnest(old.topics) t where t <> all(new.topics)
    union all select 'topic', t, 'unsubscribed', 'subscribed', null
      from unnest(new.topics) t where t <> all(old.topics)
    union all select 'pace', '', old.mail_pace_days::text, new.mail_pace_days::text, null
      where new.mail_pace_days <> old.mail_pace_days
    union all select 'language', '', old.locale, new.locale, null where new.locale <> old.locale
    union all select 'pause', '', autoloop_iso(old.mail_paused_until), autoloop_iso(new.mail_paused_until), null
      where new.mail_paused_until is distinct from old.mail_paused_until) c;
  return null;
end $$
"""
TRACKING = (
    "union all select 'tracking', '', old.consent_tracking, new.consent_tracking, null "
    "where new.consent_tracking <> old.consent_tracking"
)

NOTE_NEW = """
create or replace function autoloop_note_new_consent() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into consent_changes (workspace_id, id, contact_id, address_hash, what, subject, before, after, source,
    ip_hash, user_id)
  select n.workspace_id, autoloop_new_id(), n.id,
    case when n.email_normal <> '' then sha256(uuid_send(n.workspace_id) || convert_to(n.email_normal, 'UTF8')) end,
    c.what, c.subject, c.before, c.after, coalesce(c.source, autoloop_said('by'), ''),
    decode(autoloop_said('ip'), 'hex'), autoloop_said('user')::uuid
  from made n cross join lateral (
    select 'marketing' as what, '' as subject, 'unknown' as before, n.consent_marketing as after,
      nullif(n.consent_source, '') as source where n.consent_marketing <> 'unknown'
    {more}
    union all select 'topic', t, 'unsubscribed', 'subscribed', null from unnest(n.topics) t) c
  where n.consent_marketing <> 'unknown' or n.topics <> '{{}}'{or_so};
  return null;
end $$
"""
TRACKING_NEW = (
    "union all select 'tracking', '', 'unknown', n.consent_tracking, null "
    "where n.consent_tracking <> 'unknown'"
)

TRIGGER = (
    "create trigger consent_update after update on business_contacts for each row when "
    "(old.consent_marketing <> new.consent_marketing {or_so}or old.topics <> new.topics or old.locale <> new.locale "
    "or old.mail_pace_days <> new.mail_pace_days or old.mail_paused_until is distinct from new.mail_paused_until) "
    "execute function autoloop_note_consent()"
)


def note(*, tracking: bool) -> None:
    """The history's triggers and what it may hold, with tracking or without."""
    op.execute(NOTE.format(more=TRACKING if tracking else ""))
    or_so = " or n.consent_tracking <> 'unknown'" if tracking else ""
    op.execute(NOTE_NEW.format(more=TRACKING_NEW if tracking else "", or_so=or_so))
    op.execute("drop trigger consent_update on business_contacts")
    or_so = "or old.consent_tracking <> new.consent_tracking " if tracking else ""
    op.execute(TRIGGER.format(or_so=or_so))
    op.execute("alter table consent_changes drop constraint ck_consent_changes_what")
    said = SAID.format(more="'tracking', " if tracking else "")
    op.execute(f"alter table consent_changes add constraint ck_consent_changes_what check (what in {said})")


def upgrade() -> None:
    op.add_column(
        "business_contacts",
        sa.Column("consent_tracking", sa.Text(), nullable=False, server_default="unknown"),
    )
    op.create_check_constraint(
        op.f("ck_business_contacts_consent_tracking"),
        "business_contacts",
        "consent_tracking in ('unknown', 'granted', 'denied')",
    )
    op.add_column(
        "email_templates", sa.Column("is_tracked", sa.Boolean(), nullable=False, server_default="true")
    )
    op.add_column("email_logs", sa.Column("is_tracked", sa.Boolean(), nullable=False, server_default="false"))
    op.create_table(
        "email_touches",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("email_id", sa.Uuid(), nullable=False),
        sa.Column("link", sa.SmallInteger(), nullable=False),
        sa.Column("turn", sa.SmallInteger(), nullable=False),
        sa.Column("template_version_id", sa.Uuid(), nullable=True),
        sa.Column("people", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("machines", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("people_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_email_touches_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "email_id"],
            ["email_logs.workspace_id", "email_logs.id"],
            name=op.f("fk_email_touches_workspace_id_email_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "email_id", "link", "turn", name=op.f("pk_email_touches")),
    )
    op.create_index(
        "idx_email_touches_workspace_id_template_version_id",
        "email_touches",
        ["workspace_id", "template_version_id"],
    )
    tenant_table("email_touches", worker=True)
    note(tracking=True)


def downgrade() -> None:
    op.execute("delete from consent_changes where what = 'tracking'")
    note(tracking=False)
    op.drop_table("email_touches")
    op.drop_column("email_logs", "is_tracked")
    op.drop_column("email_templates", "is_tracked")
    op.drop_constraint(op.f("ck_business_contacts_consent_tracking"), "business_contacts")
    op.drop_column("business_contacts", "consent_tracking")
