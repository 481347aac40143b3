"""Preferences and suppression."""

import sqlalchemy as sa
from alembic import op

from autoloop.base.tenancy import instance_table

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "business_contacts", sa.Column("mail_pace_days", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column(
        "business_contacts", sa.Column("mail_paused_until", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_table(
        "instance_suppressions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("address_hash", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_instance_suppressions_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instance_suppressions")),
    )
    op.create_index(
        "uq_instance_suppressions_address_hash", "instance_suppressions", ["address_hash"], unique=True
    )
    instance_table("instance_suppressions")


def downgrade() -> None:
    op.drop_table("instance_suppressions")
    op.drop_column("business_contacts", "mail_paused_until")
    op.drop_column("business_contacts", "mail_pace_days")
