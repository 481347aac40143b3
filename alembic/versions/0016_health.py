"""Senders that harm themselves are paused: what counts against them, and why one is paused."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from autoloop.base.tenancy import tenant_table

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

MOMENTS = ("paused_at", "health_since", "health_due_at", "health_checked_at")


def upgrade() -> None:
    op.add_column("senders", sa.Column("paused_because", postgresql.JSONB(), nullable=True))
    for name in MOMENTS:
        op.add_column("senders", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "idx_senders_health_due_at",
        "senders",
        ["health_due_at"],
        postgresql_where=sa.text("health_due_at is not null"),
    )
    op.create_index(
        "idx_email_logs_sender_id_sent_at",
        "email_logs",
        ["sender_id", "sent_at"],
        postgresql_where=sa.text("sent_at is not null"),
    )
    mishaps()
    tenant_table("sender_mishaps", worker=True)
    # Work that decides by itself writes it down; it reads and changes no audit.
    op.execute("grant insert on workspace_audit to autoloop_worker")
    op.execute("create policy worker on workspace_audit for insert to autoloop_worker with check (true)")


def mishaps() -> None:
    op.create_table(
        "sender_mishaps",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("email_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sender_id", sa.Uuid(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind in ('bounce', 'complaint')", name=op.f("ck_sender_mishaps_kind")),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_sender_mishaps_workspace_id_workspaces"),
            ondelete="CASCADE",
        ),
        *(
            sa.ForeignKeyConstraint(
                ["workspace_id", column],
                [f"{table}.workspace_id", f"{table}.id"],
                name=op.f(f"fk_sender_mishaps_workspace_id_{column}"),
                ondelete="CASCADE",
            )
            for column, table in (("email_id", "email_logs"), ("sender_id", "senders"))
        ),
        sa.PrimaryKeyConstraint("workspace_id", "email_id", "kind", name=op.f("pk_sender_mishaps")),
    )
    op.create_index(
        "idx_sender_mishaps_sender_id_sent_at", "sender_mishaps", ["workspace_id", "sender_id", "sent_at"]
    )


def downgrade() -> None:
    op.execute("drop policy worker on workspace_audit")
    op.execute("revoke insert on workspace_audit from autoloop_worker")
    op.drop_table("sender_mishaps")
    op.drop_index("idx_email_logs_sender_id_sent_at", table_name="email_logs")
    op.drop_index("idx_senders_health_due_at", table_name="senders")
    for name in (*MOMENTS, "paused_because"):
        op.drop_column("senders", name)
