"""Two lanes of mail, and room for a row's states beside it."""

from alembic import op

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "alter table email_logs add is_bulk boolean not null "
        "generated always as (kind = 'marketing' and priority <= 0) stored"
    )
    op.execute("alter table email_logs set (fillfactor = 70)")
    op.execute("drop index idx_email_logs_workspace_id_due_at")
    for name, condition in (("bulk", "is_bulk"), ("prompt", "not is_bulk")):
        op.execute(
            f"create index idx_email_logs_{name} on email_logs (workspace_id, due_at) "
            f"where status = 'intent' and {condition}"
        )
    # Not by the lease: a claim, which moves it, would write to every index of the row.
    op.execute("drop index idx_email_logs_lease_until")
    op.execute("create index idx_email_logs_sending on email_logs (workspace_id) where status = 'sending'")


def downgrade() -> None:
    op.execute("drop index idx_email_logs_sending, idx_email_logs_prompt, idx_email_logs_bulk")
    op.execute("alter table email_logs drop is_bulk, reset (fillfactor)")
    op.execute("create index idx_email_logs_lease_until on email_logs (lease_until) where status = 'sending'")
    op.execute(
        "create index idx_email_logs_workspace_id_due_at on email_logs (workspace_id, due_at) "
        "where status = 'intent'"
    )
