"""A form may ask whether opens and clicks may be recorded."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("forms", sa.Column("tracking_text", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("forms", "tracking_text")
