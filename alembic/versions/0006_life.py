"""Acts on many runs at once."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from autoloop.base.tenancy import tenant_table

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bulk_jobs",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workflow_id", sa.Uuid(), nullable=True),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("filter", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("undo_of", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), server_default="going", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("cursor", sa.Uuid(), nullable=True),
        sa.Column("total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("seen", sa.Integer(), server_default="0", nullable=False),
        sa.Column("changed", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "skipped",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "verb in ('cancel', 'pause', 'resume', 'retry', 'rerun')", name=op.f("ck_bulk_jobs_verb")
        ),
        sa.CheckConstraint("status in ('going', 'done', 'stopped')", name=op.f("ck_bulk_jobs_status")),
        sa.CheckConstraint(
            "(status = 'going') = (due_at is not null)", name=op.f("ck_bulk_jobs_going_is_due")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "workflow_id"],
            ["automation_workflows.workspace_id", "automation_workflows.id"],
            name=op.f("fk_bulk_jobs_workspace_id_workflow_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_bulk_jobs_workspace_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_bulk_jobs_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_bulk_jobs")),
    )
    op.create_index(
        "idx_bulk_jobs_due_at",
        "bulk_jobs",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at is not null"),
    )
    op.create_index("idx_bulk_jobs_workflow_id", "bulk_jobs", ["workspace_id", "workflow_id"], unique=False)
    tenant_table("bulk_jobs", worker=True)


def downgrade() -> None:
    op.drop_table("bulk_jobs")
