"""A form may ask whether opens and clicks may be recorded; notifications are said in the reader's language."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("forms", sa.Column("tracking_text", sa.Text(), server_default="", nullable=False))
    op.add_column("notifications", sa.Column("said", JSONB()))


def downgrade() -> None:
    op.drop_column("notifications", "said")
    op.drop_column("forms", "tracking_text")
