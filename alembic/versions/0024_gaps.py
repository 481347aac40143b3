"""Bounces told at the door count against a sender; breakers of which members were told; waiting mail by reason."""

import sqlalchemy as sa
from alembic import op

from autoloop.base.tenancy import tenant_table

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "sender_mishaps", sa.Column("refused", sa.Boolean(), server_default="false", nullable=False)
    )
    op.create_index(
        "idx_mail_slowings_open",
        "mail_slowings",
        ["workspace_id", "account_id", "domain"],
        postgresql_where=sa.text("open_until is not null"),
    )
    op.create_index(
        "idx_email_logs_waiting",
        "email_logs",
        [
            "workspace_id",
            sa.text("(case when hold_reason is null then '' else hold_reason end)"),
            sa.text("(case when held_by is null then '' else held_by end)"),
            "due_at",
        ],
        postgresql_where=sa.text("status = 'intent'"),
    )
    # A test may be of somebody invented.
    op.alter_column("workflow_runs", "contact_id", nullable=True)
    op.create_check_constraint(
        op.f("ck_workflow_runs_contact"), "workflow_runs", "contact_id is not null or is_test"
    )
    breaks()


def breaks() -> None:
    key = sa.ForeignKey("workspaces.id", name=op.f("fk_mail_breaks_workspace_id"), ondelete="CASCADE")
    op.create_table(
        "mail_breaks",
        sa.Column("workspace_id", sa.Uuid(), key, nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "account_id"],
            ["provider_accounts.workspace_id", "provider_accounts.id"],
            name=op.f("fk_mail_breaks_workspace_id_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "account_id", "domain", name=op.f("pk_mail_breaks")),
    )
    tenant_table("mail_breaks", worker=True)


def downgrade() -> None:
    op.drop_table("mail_breaks")
    op.execute("delete from workflow_runs where contact_id is null")
    op.drop_constraint(op.f("ck_workflow_runs_contact"), "workflow_runs")
    op.alter_column("workflow_runs", "contact_id", nullable=False)
    op.drop_index("idx_email_logs_waiting", table_name="email_logs")
    op.drop_index("idx_mail_slowings_open", table_name="mail_slowings")
    op.drop_column("sender_mishaps", "refused")
