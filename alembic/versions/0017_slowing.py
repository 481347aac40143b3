"""Limits of the rate of mail, and what slowed down by itself."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from autoloop.base.tenancy import tenant_table

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TARGETS = {"account_id": "provider_accounts", "sender_id": "senders", "domain_id": "sending_domains"}


def upgrade() -> None:
    # Which limit or break a held email waits for; and which units of days an attempt took.
    op.add_column("email_logs", sa.Column("held_by", sa.Text(), nullable=True))
    op.add_column("email_attempts", sa.Column("units", postgresql.JSONB(), nullable=True))
    limits()
    counted("limit_days", "limit_id", "mail_limits")
    op.create_table(
        "mail_buckets",
        workspace("mail_buckets"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("filled_at", sa.Float(), nullable=False),
        sa.Column("prompt_at", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("bulk_at", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "name", name=op.f("pk_mail_buckets")),
    )
    slowings()
    for name in ("mail_limits", "limit_days", "mail_buckets", "mail_slowings"):
        tenant_table(name, worker=True)


def limits() -> None:
    op.create_table(
        "mail_limits",
        workspace("mail_limits"),
        sa.Column("id", sa.Uuid(), nullable=False),
        *(sa.Column(column, sa.Uuid(), nullable=True) for column in TARGETS),
        sa.Column("recipient_domain", sa.Text(), nullable=True),
        *(
            sa.Column(name, sa.Integer(), nullable=True)
            for name in ("per_second", "per_minute", "per_hour", "per_day")
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "num_nonnulls(account_id, sender_id, domain_id, recipient_domain) <= 1",
            name=op.f("ck_mail_limits_target"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(per_second, per_minute, per_hour, per_day) > 0", name=op.f("ck_mail_limits_given")
        ),
        sa.CheckConstraint(
            "least(per_second, per_minute, per_hour) > 0 and per_day >= 0",
            name=op.f("ck_mail_limits_figures"),
        ),
        sa.CheckConstraint(
            "recipient_domain = lower(recipient_domain)", name=op.f("ck_mail_limits_recipient_domain_lower")
        ),
        *(reference("mail_limits", column, table) for column, table in TARGETS.items()),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_mail_limits")),
    )
    op.create_index(
        "uq_mail_limits_target",
        "mail_limits",
        ["workspace_id", *TARGETS, "recipient_domain"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )


def counted(name: str, column: str, table: str) -> None:
    op.create_table(
        name,
        workspace(name),
        sa.Column(column, sa.Uuid(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("used", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f(f"ck_{name}_used")),
        reference(name, column, table),
        sa.PrimaryKeyConstraint("workspace_id", column, "domain", "day", name=op.f(f"pk_{name}")),
    )


def slowings() -> None:
    op.create_table(
        "mail_slowings",
        workspace("mail_slowings"),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("rate", sa.Float(), nullable=True),
        sa.Column("ceiling", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("openings", sa.Integer(), server_default="0", nullable=False),
        *(
            sa.Column(name, sa.DateTime(timezone=True), nullable=name not in ("pushed_at", "since"))
            for name in ("open_until", "probe_until", "halved_at", "pushed_at", "since")
        ),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("said", sa.Text(), server_default="", nullable=False),
        reference("mail_slowings", "account_id", "provider_accounts"),
        sa.PrimaryKeyConstraint("workspace_id", "account_id", "domain", name=op.f("pk_mail_slowings")),
    )


def workspace(table: str) -> sa.Column:
    """Whose row it is."""
    key = sa.ForeignKey("workspaces.id", name=op.f(f"fk_{table}_workspace_id"), ondelete="CASCADE")
    return sa.Column("workspace_id", sa.Uuid(), key, nullable=False)


def reference(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workspace_id", column],
        [f"{other}.workspace_id", f"{other}.id"],
        name=op.f(f"fk_{table}_workspace_id_{column}"),
        ondelete="CASCADE",
    )


def downgrade() -> None:
    for name in ("mail_slowings", "mail_buckets", "limit_days", "mail_limits"):
        op.drop_table(name)
    op.drop_column("email_attempts", "units")
    op.drop_column("email_logs", "held_by")
