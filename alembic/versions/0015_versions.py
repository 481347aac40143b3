"""Versions keep their triggers; runs are moved between versions as due work."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

VERBS = "'cancel', 'pause', 'resume', 'retry', 'rerun'"


def upgrade() -> None:
    op.add_column("workflow_versions", sa.Column("triggers", postgresql.JSONB(), nullable=True))
    check_verbs(f"{VERBS}, 'move'")


def downgrade() -> None:
    op.execute("delete from bulk_jobs where verb = 'move'")
    check_verbs(VERBS)
    op.drop_column("workflow_versions", "triggers")


def check_verbs(verbs: str) -> None:
    op.execute("alter table bulk_jobs drop constraint ck_bulk_jobs_verb")
    op.execute(f"alter table bulk_jobs add constraint ck_bulk_jobs_verb check (verb in ({verbs}))")
