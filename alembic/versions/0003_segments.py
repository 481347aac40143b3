"""Segments and their members."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from autoloop.base.tenancy import tenant_table
from autoloop.businesses.conditions_sql.functions import DROP_FUNCTIONS, FUNCTIONS
from autoloop.businesses.segment_changes import DROP_TRIGGERS, TRIGGERS

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _segments()
    _members()
    _changes()
    for statement in (*FUNCTIONS, *TRIGGERS):
        op.execute(sa.text(statement.replace(":", "\\:")))


def downgrade() -> None:
    for statement in DROP_TRIGGERS:
        op.execute(statement)
    for name in ("segment_changes", "segment_members", "segments"):
        op.drop_table(name)
    for statement in DROP_FUNCTIONS:
        op.execute(statement)


def _segments() -> None:
    op.create_table(
        "segments",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("condition", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), server_default="building", nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("announce", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("barrier", sa.Text(), nullable=True),
        sa.Column("event_names", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("reads_business", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("member_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("built_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("status in ('building', 'ready', 'broken')", name=op.f("ck_segments_status")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_segments_user_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_segments_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_segments")),
        sa.UniqueConstraint("workspace_id", "name", name=op.f("uq_segments_workspace_id_name")),
    )
    op.create_index(
        "idx_segments_building", "segments", ["workspace_id"], postgresql_where=sa.text("status = 'building'")
    )
    op.create_index("idx_segments_user_id", "segments", ["user_id"])
    tenant_table("segments", worker=True)


def _members() -> None:
    op.create_table(
        "segment_members",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("segment_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("is_member", sa.Boolean(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_check_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "contact_id"],
            ["business_contacts.workspace_id", "business_contacts.id"],
            name=op.f("fk_segment_members_workspace_id_contact_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "segment_id"],
            ["segments.workspace_id", "segments.id"],
            name=op.f("fk_segment_members_workspace_id_segment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "segment_id", "contact_id", name=op.f("pk_segment_members")),
    )
    op.create_index(
        "idx_segment_members_members",
        "segment_members",
        ["workspace_id", "segment_id", "contact_id"],
        postgresql_where=sa.text("is_member"),
    )
    op.create_index("idx_segment_members_contact_id", "segment_members", ["workspace_id", "contact_id"])
    op.create_index(
        "idx_segment_members_next_check_at",
        "segment_members",
        ["next_check_at"],
        postgresql_where=sa.text("next_check_at is not null"),
    )
    tenant_table("segment_members", worker=True)


def _changes() -> None:
    op.create_table(
        "segment_changes",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_segment_changes")),
    )
    tenant_table("segment_changes", worker=True)
