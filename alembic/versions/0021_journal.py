"""Emails and templates may have a topic; what people said about their mail is kept as a history."""

import sqlalchemy as sa
from alembic import op

from autoloop.base.tenancy import tenant_table

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

HASH = "sha256(uuid_send(new.workspace_id) || convert_to(new.email_normal, 'UTF8'))"

# A uuid7 (RFC 9562 §5.7): the moment, then chance.
NEW_ID = """
create function autoloop_new_id() returns uuid language sql volatile as $$
  select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing
    substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6),
    52, 1), 53, 1), 'hex')::uuid
$$
"""

# What the transaction says of itself: who speaks, from where. Nothing where nobody did.
SAID = """
create function autoloop_said(what text) returns text language sql stable as $$
  select nullif(current_setting('autoloop.said_' || what, true), '')
$$
"""

NOTE = f"""
create function autoloop_note_consent() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into consent_changes (workspace_id, id, contact_id, address_hash, what, subject, before, after, source,
    ip_hash, user_id)
  select new.workspace_id, autoloop_new_id(), new.id, case when new.email_normal <> '' then {HASH} end,
    c.what, c.subject, c.before, c.after, coalesce(c.source, autoloop_said('by'), ''),
    decode(autoloop_said('ip'), 'hex'), autoloop_said('user')::uuid
  from (
    select 'marketing' as what, '' as subject, old.consent_marketing as before, new.consent_marketing as after,
      nullif(new.consent_source, '') as source where new.consent_marketing <> old.consent_marketing
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

NOTE_NEW = """
create function autoloop_note_new_consent() returns trigger
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
    union all select 'topic', t, 'unsubscribed', 'subscribed', null from unnest(n.topics) t) c
  where n.consent_marketing <> 'unknown' or n.topics <> '{}';
  return null;
end $$
"""

# Proof of what was said stays by the address's hash alone (GDPR Art. 17(3)(e)); all else of it goes.
FORGET = """
create function autoloop_forget_consents(contacts uuid[]) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  here constant uuid := nullif(current_setting('autoloop.workspace', true), '')::uuid;
  mine constant uuid[] := contacts || array(
    select a.id from contact_aliases a where a.workspace_id = here and a.contact_id = any(contacts));
begin
  delete from consent_changes c where c.workspace_id = here and c.contact_id = any(mine)
    and (c.what in ('pace', 'language', 'pause') or c.address_hash is null);
  update consent_changes c set contact_id = null, ip_hash = null, user_id = null,
    source = case when c.source ~ '^(form: .*|[a-z_.]{1,40})$' then c.source else '' end
  where c.workspace_id = here and c.contact_id = any(mine);
end $$
"""

RIGHTS = (
    "revoke update, delete on consent_changes from autoloop_web, autoloop_worker",
    (
        "revoke all on function autoloop_note_consent(), autoloop_note_new_consent(), "
        "autoloop_forget_consents(uuid[]) from public"
    ),
    "grant execute on function autoloop_forget_consents(uuid[]) to autoloop_web, autoloop_worker",
)

TRIGGERS = (
    (
        "create trigger consent_insert after insert on business_contacts referencing new table as made "
        "for each statement execute function autoloop_note_new_consent()"
    ),
    (
        "create trigger consent_update after update on business_contacts for each row when "
        "(old.consent_marketing <> new.consent_marketing or old.topics <> new.topics or old.locale <> new.locale "
        "or old.mail_pace_days <> new.mail_pace_days or old.mail_paused_until is distinct from new.mail_paused_until) "
        "execute function autoloop_note_consent()"
    ),
)


def upgrade() -> None:
    op.add_column("email_logs", sa.Column("topic", sa.Text(), nullable=True))
    op.add_column("email_templates", sa.Column("topic", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "consent_changes",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("address_hash", sa.LargeBinary(), nullable=True),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False, server_default=""),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False, server_default=""),
        sa.Column("ip_hash", sa.LargeBinary(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.text("clock_timestamp()"),
        ),
        sa.CheckConstraint(
            "what in ('marketing', 'unsubscribe', 'topic', 'pace', 'language', 'pause')",
            name=op.f("ck_consent_changes_what"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_consent_changes_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_consent_changes_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_consent_changes")),
    )
    op.create_index(
        "idx_consent_changes_workspace_id_contact_id_id",
        "consent_changes",
        ["workspace_id", "contact_id", "id"],
    )
    op.create_index("idx_consent_changes_user_id", "consent_changes", ["user_id"])
    tenant_table("consent_changes", worker=True)
    for statement in (NEW_ID, SAID, NOTE, NOTE_NEW, FORGET, *RIGHTS, *TRIGGERS):
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop trigger consent_update on business_contacts")
    op.execute("drop trigger consent_insert on business_contacts")
    for function in (
        "autoloop_forget_consents(uuid[])",
        "autoloop_note_new_consent()",
        "autoloop_note_consent()",
        "autoloop_said(text)",
        "autoloop_new_id()",
    ):
        op.execute(f"drop function {function}")
    op.drop_table("consent_changes")
    op.drop_column("email_templates", "topic")
    op.drop_column("email_logs", "topic")
