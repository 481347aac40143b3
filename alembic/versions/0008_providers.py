"""Providers and their webhooks."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("provider_accounts", sa.Column("last_event_at", sa.DateTime(timezone=True), nullable=True))
    # Only where a provider gave a name of its own: SMTP's attempts stay out, and light.
    op.create_index(
        "idx_email_attempts_provider_message_id",
        "email_attempts",
        ["workspace_id", "provider_message_id"],
        postgresql_where=sa.text("provider_message_id is not null"),
    )
    # A webhook's address names the account alone; the workspace is needed before its rows can be read.
    op.execute("""
create function autoloop_workspace_of_account(account uuid) returns uuid
language sql stable security definer set search_path = public, pg_catalog, pg_temp as $$
  select workspace_id from provider_accounts where id = account
$$""")
    op.execute("revoke all on function autoloop_workspace_of_account(uuid) from public")
    op.execute("grant execute on function autoloop_workspace_of_account(uuid) to autoloop_web")


def downgrade() -> None:
    op.execute("drop function autoloop_workspace_of_account(uuid)")
    op.drop_index("idx_email_attempts_provider_message_id")
    op.drop_column("provider_accounts", "last_event_at")
