"""Versions of templates carry files and headers of their own; senders have headers too."""

from alembic import op

from autoloop.base.tenancy import tenant_table

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    create table email_template_files (
      workspace_id uuid not null,
      id uuid not null,
      hash bytea not null,
      body bytea not null,
      created_at timestamptz not null default now(),
      constraint pk_email_template_files primary key (workspace_id, id),
      constraint fk_email_template_files_workspace_id_workspaces foreign key (workspace_id)
        references workspaces (id) on delete cascade,
      constraint ck_email_template_files_hash check (octet_length(hash) = 32)
    );
    -- Pictures and PDFs are compressed already.
    alter table email_template_files alter column body set storage external;
    create unique index uq_email_template_files_workspace_id_hash on email_template_files (workspace_id, hash);
    alter table email_template_versions add column headers jsonb not null default '{}';
    alter table senders add column headers jsonb not null default '{}';
    alter table email_template_versions add column files jsonb not null default '[]'
    """)
    tenant_table("email_template_files", worker=True)


def downgrade() -> None:
    op.execute("""
    alter table email_template_versions drop column files;
    alter table email_template_versions drop column headers;
    alter table senders drop column headers;
    drop table email_template_files
    """)
