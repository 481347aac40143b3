"""Templates may be written in MJML."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    check_kinds("'html', 'markdown', 'mjml'")


def downgrade() -> None:
    # What was compiled stays as it is; it is HTML already.
    op.execute(
        "update email_template_versions set kind = 'html', source = compiled ->> 'html' where kind = 'mjml'"
    )
    check_kinds("'html', 'markdown'")


def check_kinds(kinds: str) -> None:
    op.execute("alter table email_template_versions drop constraint ck_email_template_versions_kind")
    op.execute(
        f"alter table email_template_versions add constraint ck_email_template_versions_kind check (kind in ({kinds}))"
    )
