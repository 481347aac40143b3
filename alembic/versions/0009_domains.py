"""Sending domains and their keys."""

import sqlalchemy as sa
from alembic import op

from autoloop.base.tenancy import tenant_table

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("checked_at", "next_check_at"):
        op.add_column("sending_domains", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.create_index("idx_sending_domains_next_check_at", "sending_domains", ["next_check_at"])
    op.create_table(
        "dkim_keys",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("domain_id", sa.Uuid(), nullable=False),
        sa.Column("selector", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("private", sa.LargeBinary(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="new", nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("status in ('new', 'active', 'retired')", name=op.f("ck_dkim_keys_status")),
        sa.CheckConstraint(
            "algorithm in ('rsa-sha256', 'ed25519-sha256')", name=op.f("ck_dkim_keys_algorithm")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_dkim_keys_workspace_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "domain_id"],
            ["sending_domains.workspace_id", "sending_domains.id"],
            name=op.f("fk_dkim_keys_workspace_id_domain_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_dkim_keys")),
    )
    op.create_index(
        "uq_dkim_keys_selector", "dkim_keys", ["workspace_id", "domain_id", "selector"], unique=True
    )
    op.create_index(
        "uq_dkim_keys_active",
        "dkim_keys",
        ["workspace_id", "domain_id", "algorithm"],
        unique=True,
        postgresql_where=sa.text("status = 'active'"),
    )
    tenant_table("dkim_keys", worker=True)


def downgrade() -> None:
    op.drop_table("dkim_keys")
    op.drop_index("idx_sending_domains_next_check_at")
    op.drop_column("sending_domains", "next_check_at")
    op.drop_column("sending_domains", "checked_at")
