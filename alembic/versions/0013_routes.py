"""Ways out by rule, failover, and looking up what is unknown."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from autoloop.base.tenancy import tenant_table

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("provider_accounts", sa.Column("failover_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        "fk_provider_accounts_workspace_id_failover_id",
        "provider_accounts",
        "provider_accounts",
        ["workspace_id", "failover_id"],
        ["workspace_id", "id"],
        ondelete="SET NULL (failover_id)",
    )
    op.add_column("email_logs", sa.Column("look_up_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("email_logs", sa.Column("look_ups", sa.SmallInteger(), server_default="0", nullable=False))
    op.create_index(
        "idx_email_logs_look_up_at",
        "email_logs",
        ["look_up_at"],
        postgresql_where=sa.text("status = 'unknown'"),
    )
    op.create_table(
        "provider_rules",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("workflow_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("recipient_domains", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind in ('marketing', 'transactional')", name=op.f("ck_provider_rules_kind")),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_provider_rules_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "account_id"],
            ["provider_accounts.workspace_id", "provider_accounts.id"],
            name=op.f("fk_provider_rules_workspace_id_account_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "workflow_id"],
            ["automation_workflows.workspace_id", "automation_workflows.id"],
            name=op.f("fk_provider_rules_workspace_id_workflow_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_provider_rules")),
    )
    tenant_table("provider_rules", worker=True)


def downgrade() -> None:
    op.drop_table("provider_rules")
    op.drop_column("email_logs", "look_ups")
    op.drop_column("email_logs", "look_up_at")
    op.drop_column("provider_accounts", "failover_id")
