"""Emails are found by the one they were sent again for: without it, deleting many reads all for each."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "create index idx_email_logs_workspace_id_resend_of on email_logs (workspace_id, resend_of) "
        "where resend_of is not null"
    )


def downgrade() -> None:
    op.drop_index("idx_email_logs_workspace_id_resend_of", table_name="email_logs")
