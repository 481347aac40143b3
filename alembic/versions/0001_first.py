"""First tables: everything is tenant-safe and partitioned from the start."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Rows of one tenant each. The web role sees those of the workspace it has entered, and none without one.
TENANT = (
    "automation_workflows",
    "business_contacts",
    "businesses",
    "contact_aliases",
    "email_attempts",
    "email_logs",
    "email_template_versions",
    "email_templates",
    "event_keys",
    "events",
    "exports",
    "field_definitions",
    "idempotency_keys",
    "import_chunks",
    "import_rejects",
    "imports",
    "mailbox_messages",
    "provider_accounts",
    "run_actions",
    "run_steps",
    "run_stimuli",
    "run_waits",
    "sender_days",
    "senders",
    "sending_domains",
    "suppressions",
    "tags",
    "topics",
    "workflow_drafts",
    "workflow_runs",
    "workflow_triggers",
    "workflow_versions",
    "workspace_audit",
)

# What Advance, Routing, Perform and Delivery touch, across tenants; composite references keep these apart.
WORKED_ON = (
    "automation_workflows",
    "business_contacts",
    "businesses",
    "contact_aliases",
    "email_attempts",
    "email_logs",
    "email_template_versions",
    "email_templates",
    "event_keys",
    "events",
    "exports",
    "field_definitions",
    "imports",
    "mailbox_messages",
    "provider_accounts",
    "run_actions",
    "run_steps",
    "run_stimuli",
    "run_waits",
    "sender_days",
    "senders",
    "sending_domains",
    "suppressions",
    "tags",
    "topics",
    "workflow_runs",
    "workflow_triggers",
    "workflow_versions",
)

# Rows of the installation: no row-level security.
INSTANCE = (
    "api_keys",
    "audit_events",
    "claims",
    "generations",
    "members",
    "run_batches",
    "scheduler_ticks",
    "sessions",
    "sign_in_failures",
    "users",
    "workspace_slugs",
    "workspaces",
)

APPEND_ONLY = (
    "audit_events",
    "workspace_audit",
)

HERE = "workspace_id = nullif(current_setting('autoloop.workspace', true), '')::uuid"
SYSTEM = "00000000-0000-7000-8000-000000000001"


def upgrade() -> None:
    make_tables()
    for statement in FUNCTIONS:
        op.get_bind().exec_driver_sql(statement.replace("%", "%%"))
    separate_tenants()
    op.execute("select autoloop_make_partitions()")
    op.execute(
        f"insert into workspaces (id, slug, name, is_system) values ('{SYSTEM}', 'system', 'System', true)"
    )


def separate_tenants() -> None:
    op.execute("grant usage on schema public to autoloop_web, autoloop_worker")
    for table in (*TENANT, *INSTANCE):
        op.execute(f"grant select, insert, update, delete on {table} to autoloop_web")
    for table in (*WORKED_ON, *INSTANCE):
        op.execute(f"grant select, insert, update, delete on {table} to autoloop_worker")
    for table in TENANT:
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy tenant on {table} to autoloop_web using ({HERE}) with check ({HERE})")
    for table in WORKED_ON:
        op.execute(f"create policy worker on {table} to autoloop_worker using (true) with check (true)")
    for table in APPEND_ONLY:
        op.execute(f"revoke update, delete on {table} from autoloop_web, autoloop_worker")
    op.execute("grant select on alembic_version to autoloop_web, autoloop_worker")


def downgrade() -> None:
    for table in reversed((*INSTANCE, *TENANT)):
        op.execute(f"drop table if exists {table} cascade")


def make_tables() -> None:
    op.create_table(
        "claims",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claims")),
    )
    op.create_index("idx_claims_token_hash", "claims", ["token_hash"], unique=True)
    op.create_table(
        "run_batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("run_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_batches")),
    )
    op.create_table(
        "run_steps",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("visit", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("port", sa.Text(), nullable=True),
        sa.Column("detail", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "seq", name=op.f("pk_run_steps")),
        postgresql_partition_by="RANGE (run_id)",
    )
    op.create_table(
        "scheduler_ticks",
        sa.Column("single", sa.Boolean(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("single", name=op.f("ck_scheduler_ticks_single")),
        sa.PrimaryKeyConstraint("single", name=op.f("pk_scheduler_ticks")),
    )
    op.create_table(
        "sign_in_failures",
        sa.Column("email_hash", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("email_hash", name=op.f("pk_sign_in_failures")),
    )
    op.create_index("idx_sign_in_failures_last_at", "sign_in_failures", ["last_at"], unique=False)
    op.create_table(
        "users",
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("is_admin", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("locale", sa.Text(), server_default="en", nullable=False),
        sa.Column("timezone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("deactivated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_users_email_lower")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_index("idx_users_created_at", "users", ["created_at"], unique=False)
    op.create_index("idx_users_email", "users", ["email"], unique=True)
    op.create_table(
        "workspaces",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("postal_address", sa.Text(), server_default="", nullable=False),
        sa.Column("timezone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("locale", sa.Text(), server_default="en", nullable=False),
        sa.Column("is_system", sa.Boolean(), server_default="false", nullable=False),
        sa.Column(
            "settings",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) between 2 and 40",
            name=op.f("ck_workspaces_slug_shape"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workspaces")),
    )
    op.create_index(
        "idx_workspaces_is_system", "workspaces", ["is_system"], unique=True, postgresql_where="is_system"
    )
    op.create_index("idx_workspaces_slug", "workspaces", ["slug"], unique=True)
    op.create_table(
        "api_keys",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_api_keys_user_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_api_keys_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_index("idx_api_keys_prefix", "api_keys", ["prefix"], unique=True)
    op.create_index("idx_api_keys_user_id", "api_keys", ["user_id"], unique=False)
    op.create_index("idx_api_keys_workspace_id", "api_keys", ["workspace_id"], unique=False)
    op.create_table(
        "audit_events",
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "data",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_audit_events_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
        info={"append_only": True},
    )
    op.create_index("idx_audit_events_created_at", "audit_events", ["created_at"], unique=False)
    op.create_index("idx_audit_events_user_id", "audit_events", ["user_id"], unique=False)
    op.create_table(
        "automation_workflows",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), server_default="draft", nullable=False),
        sa.Column("is_active", sa.Boolean(), sa.Computed("status = 'live'", persisted=True), nullable=False),
        sa.Column("live_version_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column(
            "settings",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status <> 'live' or live_version_id is not null",
            name=op.f("ck_automation_workflows_live_has_version"),
        ),
        sa.CheckConstraint(
            "status in ('draft', 'live', 'paused', 'archived')", name=op.f("ck_automation_workflows_status")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_automation_workflows_user_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "live_version_id"],
            ["workflow_versions.workspace_id", "workflow_versions.id"],
            name="fk_automation_workflows_live_version",
            ondelete="NO ACTION",
            use_alter=True,
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_automation_workflows_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_automation_workflows")),
    )
    op.create_index(
        "idx_automation_workflows_is_active",
        "automation_workflows",
        ["workspace_id", "is_active"],
        unique=False,
    )
    op.create_index(
        op.f("idx_automation_workflows_user_id"), "automation_workflows", ["user_id"], unique=False
    )
    op.create_index(
        op.f("idx_automation_workflows_workspace_id_status"),
        "automation_workflows",
        ["workspace_id", "status"],
        unique=False,
    )
    op.create_table(
        "businesses",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), sa.Computed("lower(name)", persisted=True), nullable=False),
        sa.Column("domain", sa.Text(), server_default="", nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), server_default="", nullable=False),
        sa.Column("website", sa.Text(), server_default="", nullable=False),
        sa.Column("city", sa.Text(), server_default="", nullable=False),
        sa.Column("country", sa.Text(), server_default="", nullable=False),
        sa.Column("timezone", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), server_default="lead", nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column(
            "fields",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column(
            "tsv",
            postgresql.TSVECTOR(),
            sa.Computed(
                "to_tsvector('simple', translate(name || ' ' || domain || ' ' || coalesce(email, '') || ' ' || city, '@.-_+/,;:()''\"', '             '))",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status in ('lead', 'active', 'customer', 'inactive', 'archived')",
            name=op.f("ck_businesses_status"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_businesses_user_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_businesses_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_businesses")),
    )
    op.create_index("idx_businesses_created_at", "businesses", ["created_at"], unique=False)
    op.create_index("idx_businesses_email", "businesses", ["email"], unique=False)
    op.create_index(
        "idx_businesses_fields",
        "businesses",
        ["fields"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"fields": "jsonb_path_ops"},
    )
    op.create_index("idx_businesses_status", "businesses", ["status"], unique=False)
    op.create_index("idx_businesses_tags", "businesses", ["tags"], unique=False, postgresql_using="gin")
    op.create_index("idx_businesses_tsv", "businesses", ["tsv"], unique=False, postgresql_using="gin")
    op.create_index("idx_businesses_user_id", "businesses", ["user_id"], unique=False)
    op.create_index(
        "idx_businesses_workspace_id_name_id", "businesses", ["workspace_id", "name", "id"], unique=False
    )
    op.create_index(
        "idx_businesses_workspace_id_name_key_domain",
        "businesses",
        ["workspace_id", "name_key", "domain"],
        unique=False,
    )
    op.create_index(
        "idx_businesses_workspace_id_status_id", "businesses", ["workspace_id", "status", "id"], unique=False
    )
    op.create_index(
        "uq_businesses_workspace_id_domain_name_key",
        "businesses",
        ["workspace_id", "domain", "name_key"],
        unique=True,
        postgresql_where=sa.text("external_id is null"),
    )
    op.create_index(
        "uq_businesses_workspace_id_external_id",
        "businesses",
        ["workspace_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("external_id is not null"),
    )
    op.create_table(
        "email_templates",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("current_version_id", sa.Uuid(), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_email_templates_user_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_email_templates_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_email_templates")),
    )
    op.create_index("idx_email_templates_user_id", "email_templates", ["user_id"], unique=False)
    op.create_index(
        "idx_email_templates_workspace_id_name", "email_templates", ["workspace_id", "name"], unique=False
    )
    op.create_index(
        "idx_email_templates_workspace_id_updated_at",
        "email_templates",
        ["workspace_id", "updated_at"],
        unique=False,
    )
    op.create_table(
        "event_keys",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_event_keys_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "source", "source_id", name=op.f("pk_event_keys")),
    )
    op.create_index(op.f("idx_event_keys_received_at"), "event_keys", ["received_at"], unique=False)
    op.create_table(
        "exports",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "filters",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column(
            "options",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("downloaded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind in ('contacts', 'businesses')", name=op.f("ck_exports_kind")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_exports_user_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_exports_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_exports")),
    )
    op.create_table(
        "field_definitions",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "choices",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("key ~ '^[a-z][a-z0-9_]{0,62}$'", name=op.f("ck_field_definitions_key_shape")),
        sa.CheckConstraint(
            "kind in ('text', 'number', 'boolean', 'date', 'choice')", name=op.f("ck_field_definitions_kind")
        ),
        sa.CheckConstraint("target in ('contact', 'business')", name=op.f("ck_field_definitions_target")),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_field_definitions_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_field_definitions")),
    )
    op.create_index(
        "uq_field_definitions_workspace_id_target_key",
        "field_definitions",
        ["workspace_id", "target", "key"],
        unique=True,
    )
    op.create_table(
        "generations",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_generations_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "resource", name=op.f("pk_generations")),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_idempotency_keys_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "principal", "route", "key", name=op.f("pk_idempotency_keys")
        ),
    )
    op.create_index("idx_idempotency_keys_created_at", "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "imports",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="ready", nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column(
            "format",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column(
            "columns",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column(
            "mapping",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column(
            "options",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("bytes_total", sa.BigInteger(), nullable=False),
        sa.Column("bytes_done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("line", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("rows_total", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "counts",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status in ('ready', 'running', 'failed', 'completed', 'cancelled')",
            name=op.f("ck_imports_status"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_imports_user_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_imports_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_imports")),
    )
    op.create_index(
        "idx_imports_due_at",
        "imports",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at is not null"),
    )
    op.create_index(
        "idx_imports_workspace_id_due_at",
        "imports",
        ["workspace_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("due_at is not null"),
    )
    op.create_table(
        "mailbox_messages",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_mailbox_messages_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_mailbox_messages")),
    )
    op.create_index(
        "uq_mailbox_messages_workspace_id_key", "mailbox_messages", ["workspace_id", "key"], unique=True
    )
    op.create_table(
        "members",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("role in ('viewer', 'editor', 'admin', 'owner')", name=op.f("ck_members_role")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_members_user_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_members_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "user_id", name=op.f("pk_members")),
    )
    op.create_index("idx_members_user_id", "members", ["user_id"], unique=False)
    op.create_table(
        "provider_accounts",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column(
            "config",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("secrets", sa.LargeBinary(), nullable=True),
        sa.Column("is_default", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("problem_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rest_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("status in ('active', 'off')", name=op.f("ck_provider_accounts_status")),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_provider_accounts_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_provider_accounts")),
    )
    op.create_index(
        "uq_provider_accounts_default",
        "provider_accounts",
        ["workspace_id"],
        unique=True,
        postgresql_where=sa.text("is_default"),
    )
    op.create_index(
        "uq_provider_accounts_workspace_id_name", "provider_accounts", ["workspace_id", "name"], unique=True
    )
    op.create_table(
        "sending_domains",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "checks",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("name = lower(name)", name=op.f("ck_sending_domains_name_lower")),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_sending_domains_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_sending_domains")),
    )
    op.create_index(
        "uq_sending_domains_workspace_id_name", "sending_domains", ["workspace_id", "name"], unique=True
    )
    op.create_table(
        "sessions",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("refresh_hash", sa.LargeBinary(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=True),
        sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default="1", nullable=False),
        sa.Column("user_agent", sa.Text(), server_default="", nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index("idx_sessions_user_id", "sessions", ["user_id"], unique=False)
    op.create_table(
        "suppressions",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("address_hash", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("email_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "reason in ('unsubscribed', 'bounced', 'complained', 'manual')",
            name=op.f("ck_suppressions_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_suppressions_user_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_suppressions_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_suppressions")),
    )
    op.create_index(
        "uq_suppressions_workspace_id_address_hash_reason",
        "suppressions",
        ["workspace_id", "address_hash", "reason"],
        unique=True,
    )
    op.create_table(
        "tags",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("color", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_tags_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_tags")),
    )
    op.create_index("uq_tags_workspace_id_name", "tags", ["workspace_id", "name"], unique=True)
    op.create_table(
        "topics",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("is_public", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("key ~ '^[a-z][a-z0-9_]{0,62}$'", name=op.f("ck_topics_key_shape")),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_topics_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_topics")),
    )
    op.create_index("uq_topics_workspace_id_key", "topics", ["workspace_id", "key"], unique=True)
    op.create_table(
        "workspace_audit",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "data",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_workspace_audit_user_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_workspace_audit_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_workspace_audit")),
        info={"append_only": True},
    )
    op.create_index(
        "idx_workspace_audit_workspace_id_created_at",
        "workspace_audit",
        ["workspace_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "workspace_slugs",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_workspace_slugs_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_workspace_slugs")),
    )
    op.create_index("idx_workspace_slugs_workspace_id", "workspace_slugs", ["workspace_id"], unique=False)
    op.create_table(
        "business_contacts",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_normal", sa.Text(), server_default="", nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("first_name", sa.Text(), server_default="", nullable=False),
        sa.Column("last_name", sa.Text(), server_default="", nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("phone", sa.Text(), server_default="", nullable=False),
        sa.Column("timezone", sa.Text(), server_default="", nullable=False),
        sa.Column("locale", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("consent_marketing", sa.Text(), server_default="unknown", nullable=False),
        sa.Column("consent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("consent_source", sa.Text(), server_default="", nullable=False),
        sa.Column("topics", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column(
            "fields",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column(
            "tsv",
            postgresql.TSVECTOR(),
            sa.Computed(
                "to_tsvector('simple', translate(first_name || ' ' || last_name || ' ' || email_normal || ' ' || title, '@.-_+/,;:()''\"', '             '))",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "consent_marketing in ('unknown', 'granted', 'denied')",
            name=op.f("ck_business_contacts_consent_marketing"),
        ),
        sa.CheckConstraint(
            "status in ('active', 'unsubscribed', 'bounced', 'complained', 'archived')",
            name=op.f("ck_business_contacts_status"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_business_contacts_user_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "business_id"],
            ["businesses.workspace_id", "businesses.id"],
            name=op.f("fk_business_contacts_workspace_id_business_id"),
            ondelete="SET NULL (business_id)",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_business_contacts_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_business_contacts")),
    )
    op.create_index(
        "idx_business_contacts_fields",
        "business_contacts",
        ["fields"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"fields": "jsonb_path_ops"},
    )
    op.create_index(
        "idx_business_contacts_tags", "business_contacts", ["tags"], unique=False, postgresql_using="gin"
    )
    op.create_index(
        "idx_business_contacts_topics", "business_contacts", ["topics"], unique=False, postgresql_using="gin"
    )
    op.create_index(
        "idx_business_contacts_tsv", "business_contacts", ["tsv"], unique=False, postgresql_using="gin"
    )
    op.create_index("idx_business_contacts_user_id", "business_contacts", ["user_id"], unique=False)
    op.create_index(
        "idx_business_contacts_workspace_id_business_id_id",
        "business_contacts",
        ["workspace_id", "business_id", "id"],
        unique=False,
    )
    op.create_index(
        "idx_business_contacts_workspace_id_email_normal_id",
        "business_contacts",
        ["workspace_id", "email_normal", "id"],
        unique=False,
    )
    op.create_index(
        "idx_business_contacts_workspace_id_last_name_id",
        "business_contacts",
        ["workspace_id", "last_name", "id"],
        unique=False,
    )
    op.create_index(
        "idx_business_contacts_workspace_id_status_id",
        "business_contacts",
        ["workspace_id", "status", "id"],
        unique=False,
    )
    op.create_index(
        "uq_business_contacts_workspace_id_email_normal",
        "business_contacts",
        ["workspace_id", "email_normal"],
        unique=True,
        postgresql_where=sa.text("email_normal <> ''"),
    )
    op.create_index(
        "uq_business_contacts_workspace_id_external_id",
        "business_contacts",
        ["workspace_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("external_id is not null"),
    )
    op.create_table(
        "email_template_versions",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("preheader", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("text_source", sa.Text(), nullable=True),
        sa.Column("compiled", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column(
            "field_rules",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("checksum", sa.LargeBinary(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind in ('html', 'markdown')", name=op.f("ck_email_template_versions_kind")),
        sa.CheckConstraint("number > 0", name=op.f("ck_email_template_versions_number")),
        sa.ForeignKeyConstraint(
            ["created_by"],
            ["users.id"],
            name=op.f("fk_email_template_versions_created_by"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "template_id"],
            ["email_templates.workspace_id", "email_templates.id"],
            name=op.f("fk_email_template_versions_workspace_id_template_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_email_template_versions_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_email_template_versions")),
    )
    op.create_index(
        "uq_email_template_versions_workspace_id_template_id_number",
        "email_template_versions",
        ["workspace_id", "template_id", "number"],
        unique=True,
    )
    op.create_table(
        "import_chunks",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "import_id"],
            ["imports.workspace_id", "imports.id"],
            name=op.f("fk_import_chunks_workspace_id_import_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_import_chunks_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_import_chunks")),
    )
    op.create_index(
        "uq_import_chunks_workspace_id_import_id_n",
        "import_chunks",
        ["workspace_id", "import_id", "n"],
        unique=True,
    )
    op.create_table(
        "import_rejects",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "cells",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "import_id"],
            ["imports.workspace_id", "imports.id"],
            name=op.f("fk_import_rejects_workspace_id_import_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_import_rejects_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_import_rejects")),
    )
    op.create_index(
        "idx_import_rejects_workspace_id_import_id_line",
        "import_rejects",
        ["workspace_id", "import_id", "line"],
        unique=False,
    )
    op.create_table(
        "senders",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("reply_to", sa.Text(), nullable=True),
        sa.Column("domain_id", sa.Uuid(), nullable=True),
        sa.Column("provider_account_id", sa.Uuid(), nullable=True),
        sa.Column("daily_cap", sa.Integer(), nullable=True),
        sa.Column("ramp", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("timezone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("postal_address", sa.Text(), server_default="", nullable=False),
        sa.Column("is_default", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("status in ('active', 'paused', 'archived')", name=op.f("ck_senders_status")),
        sa.CheckConstraint("daily_cap >= 0", name=op.f("ck_senders_daily_cap")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_senders_user_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "domain_id"],
            ["sending_domains.workspace_id", "sending_domains.id"],
            name=op.f("fk_senders_workspace_id_domain_id"),
            ondelete="NO ACTION",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "provider_account_id"],
            ["provider_accounts.workspace_id", "provider_accounts.id"],
            name=op.f("fk_senders_workspace_id_provider_account_id"),
            ondelete="NO ACTION",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_senders_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_senders")),
    )
    op.create_index(
        "uq_senders_default", "senders", ["workspace_id"], unique=True, postgresql_where=sa.text("is_default")
    )
    op.create_index("uq_senders_workspace_id_address", "senders", ["workspace_id", "address"], unique=True)
    op.create_table(
        "workflow_drafts",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workflow_id", sa.Uuid(), nullable=False),
        sa.Column("graph", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column(
            "triggers",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("published_revision", sa.Integer(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("jsonb_typeof(graph) = 'object'", name=op.f("ck_workflow_drafts_graph_object")),
        sa.CheckConstraint(
            "jsonb_typeof(triggers) = 'array'", name=op.f("ck_workflow_drafts_triggers_array")
        ),
        sa.ForeignKeyConstraint(
            ["updated_by"], ["users.id"], name=op.f("fk_workflow_drafts_updated_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "workflow_id"],
            ["automation_workflows.workspace_id", "automation_workflows.id"],
            name=op.f("fk_workflow_drafts_workspace_id_workflow_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_workflow_drafts_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_workflow_drafts")),
        sa.UniqueConstraint(
            "workspace_id", "workflow_id", name=op.f("uq_workflow_drafts_workspace_id_workflow_id")
        ),
    )
    op.create_table(
        "workflow_triggers",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workflow_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column(
            "config",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("config_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("event_name", sa.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "workflow_id"],
            ["automation_workflows.workspace_id", "automation_workflows.id"],
            name=op.f("fk_workflow_triggers_workspace_id_workflow_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_workflow_triggers_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_workflow_triggers")),
    )
    op.create_index(
        "idx_workflow_triggers_event_name",
        "workflow_triggers",
        ["workspace_id", "event_name"],
        unique=False,
        postgresql_where=sa.text("is_active"),
    )
    op.create_index(
        op.f("idx_workflow_triggers_workspace_id_workflow_id"),
        "workflow_triggers",
        ["workspace_id", "workflow_id"],
        unique=False,
    )
    op.create_table(
        "workflow_versions",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workflow_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("graph", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("checksum", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=True),
        sa.Column(
            "published_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["published_by"],
            ["users.id"],
            name=op.f("fk_workflow_versions_published_by"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "workflow_id"],
            ["automation_workflows.workspace_id", "automation_workflows.id"],
            name=op.f("fk_workflow_versions_workspace_id_workflow_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_workflow_versions_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_workflow_versions")),
        sa.UniqueConstraint(
            "workspace_id",
            "workflow_id",
            "number",
            name=op.f("uq_workflow_versions_workspace_id_workflow_id_number"),
        ),
    )
    op.create_table(
        "contact_aliases",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "contact_id"],
            ["business_contacts.workspace_id", "business_contacts.id"],
            name=op.f("fk_contact_aliases_workspace_id_contact_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_contact_aliases_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_contact_aliases")),
    )
    op.create_index(
        "idx_contact_aliases_workspace_id_contact_id",
        "contact_aliases",
        ["workspace_id", "contact_id"],
        unique=False,
    )
    op.create_table(
        "events",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column(
            "data",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("source", sa.Text(), server_default="autoloop", nullable=False),
        sa.Column("source_id", sa.Text(), nullable=True),
        sa.Column("pending", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "contact_id"],
            ["business_contacts.workspace_id", "business_contacts.id"],
            name=op.f("fk_events_workspace_id_contact_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_events_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_events")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index(
        "idx_events_contact_id_name", "events", ["workspace_id", "contact_id", "name", "id"], unique=False
    )
    op.create_index(
        "idx_events_pending",
        "events",
        ["workspace_id", "id"],
        unique=False,
        postgresql_where=sa.text("pending"),
    )
    op.create_table(
        "sender_days",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("sender_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("used", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("ck_sender_days_used")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "sender_id"],
            ["senders.workspace_id", "senders.id"],
            name=op.f("fk_sender_days_workspace_id_sender_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_sender_days_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "sender_id", "day", name=op.f("pk_sender_days")),
    )
    op.create_table(
        "workflow_runs",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workflow_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("started_as", sa.Uuid(), nullable=False),
        sa.Column("trigger", sa.Text(), server_default="manual", nullable=False),
        sa.Column("trigger_id", sa.Uuid(), nullable=True),
        sa.Column("entry_key", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("positions", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("visits", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("variables", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("steps", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("is_test", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("parent_run_id", sa.Uuid(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status in ('completed', 'stopped', 'failed', 'cancelled')) = (ended_at is not null)",
            name=op.f("ck_workflow_runs_ended"),
        ),
        sa.CheckConstraint(
            "due_at is null or status in ('active', 'waiting')",
            name=op.f("ck_workflow_runs_due_only_while_going"),
        ),
        sa.CheckConstraint(
            "status <> 'active' or due_at is not null", name=op.f("ck_workflow_runs_active_is_due")
        ),
        sa.CheckConstraint(
            "status in ('active', 'waiting', 'paused', 'blocked', 'quarantined', 'completed', 'stopped', 'failed', 'cancelled')",
            name=op.f("ck_workflow_runs_status"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "contact_id"],
            ["business_contacts.workspace_id", "business_contacts.id"],
            name=op.f("fk_workflow_runs_workspace_id_contact_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "version_id"],
            ["workflow_versions.workspace_id", "workflow_versions.id"],
            name=op.f("fk_workflow_runs_workspace_id_version_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "workflow_id"],
            ["automation_workflows.workspace_id", "automation_workflows.id"],
            name=op.f("fk_workflow_runs_workspace_id_workflow_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_workflow_runs_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_workflow_runs")),
        sa.UniqueConstraint(
            "workspace_id",
            "workflow_id",
            "contact_id",
            "entry_key",
            name=op.f("uq_workflow_runs_workspace_id_workflow_id_contact_id_entry_key"),
        ),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index(
        "idx_workflow_runs_attempts",
        "workflow_runs",
        ["workspace_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("due_at is not null and attempts > 0"),
    )
    op.create_index(
        "idx_workflow_runs_contact_id", "workflow_runs", ["workspace_id", "contact_id"], unique=False
    )
    op.create_index(
        "idx_workflow_runs_due_at",
        "workflow_runs",
        ["workspace_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("due_at is not null and attempts = 0"),
    )
    op.create_index(
        "idx_workflow_runs_status",
        "workflow_runs",
        ["workspace_id", "status", "id"],
        unique=False,
        postgresql_where=sa.text("status in ('paused', 'blocked', 'quarantined', 'failed')"),
    )
    op.create_index(
        "idx_workflow_runs_version_id", "workflow_runs", ["workspace_id", "version_id"], unique=False
    )
    op.create_table(
        "email_logs",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("send_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="intent", nullable=False),
        sa.Column("hold_reason", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("workflow_id", sa.Uuid(), nullable=True),
        sa.Column("node", sa.Text(), nullable=True),
        sa.Column("visit", sa.Integer(), nullable=True),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("business_id", sa.Uuid(), nullable=True),
        sa.Column("template_version_id", sa.Uuid(), nullable=True),
        sa.Column("sender_id", sa.Uuid(), nullable=True),
        sa.Column("provider_account_id", sa.Uuid(), nullable=True),
        sa.Column("to_address", sa.Text(), nullable=False),
        sa.Column("to_name", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "context",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("content", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("body_hash", sa.LargeBinary(), nullable=True),
        sa.Column("priority", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("on_unknown", sa.Text(), server_default="hold", nullable=False),
        sa.Column("send_window", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("first_tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resend_of", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind in ('marketing', 'transactional', 'test', 'system')", name=op.f("ck_email_logs_kind")
        ),
        sa.CheckConstraint("on_unknown in ('hold', 'skip', 'resend')", name=op.f("ck_email_logs_on_unknown")),
        sa.CheckConstraint(
            "status in ('intent', 'sending', 'accepted', 'rejected', 'unknown', 'skipped', 'cancelled', 'resent', 'delivered', 'bounced', 'complained')",
            name=op.f("ck_email_logs_status"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_email_logs_user_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "business_id"],
            ["businesses.workspace_id", "businesses.id"],
            name=op.f("fk_email_logs_workspace_id_business_id"),
            ondelete="SET NULL (business_id)",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "contact_id"],
            ["business_contacts.workspace_id", "business_contacts.id"],
            name=op.f("fk_email_logs_workspace_id_contact_id"),
            ondelete="SET NULL (contact_id)",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "provider_account_id"],
            ["provider_accounts.workspace_id", "provider_accounts.id"],
            name=op.f("fk_email_logs_workspace_id_provider_account_id"),
            ondelete="NO ACTION",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "resend_of"],
            ["email_logs.workspace_id", "email_logs.id"],
            name=op.f("fk_email_logs_workspace_id_resend_of"),
            ondelete="NO ACTION",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "run_id"],
            ["workflow_runs.workspace_id", "workflow_runs.id"],
            name=op.f("fk_email_logs_workspace_id_run_id"),
            ondelete="SET NULL (run_id)",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "sender_id"],
            ["senders.workspace_id", "senders.id"],
            name=op.f("fk_email_logs_workspace_id_sender_id"),
            ondelete="NO ACTION",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "template_version_id"],
            ["email_template_versions.workspace_id", "email_template_versions.id"],
            name=op.f("fk_email_logs_workspace_id_template_version_id"),
            ondelete="NO ACTION",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "workflow_id"],
            ["automation_workflows.workspace_id", "automation_workflows.id"],
            name=op.f("fk_email_logs_workspace_id_workflow_id"),
            ondelete="SET NULL (workflow_id)",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_email_logs_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_email_logs")),
    )
    op.create_index("idx_email_logs_business_id", "email_logs", ["business_id"], unique=False)
    op.create_index(
        "idx_email_logs_due_at",
        "email_logs",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("status = 'unknown'"),
    )
    op.create_index(
        "idx_email_logs_lease_until",
        "email_logs",
        ["lease_until"],
        unique=False,
        postgresql_where=sa.text("status = 'sending'"),
    )
    op.create_index("idx_email_logs_sent_at", "email_logs", ["sent_at"], unique=False)
    op.create_index("idx_email_logs_status", "email_logs", ["status"], unique=False)
    op.create_index(
        "idx_email_logs_workspace_id_contact_id", "email_logs", ["workspace_id", "contact_id"], unique=False
    )
    op.create_index(
        "idx_email_logs_workspace_id_due_at",
        "email_logs",
        ["workspace_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("status = 'intent'"),
    )
    op.create_index(
        "idx_email_logs_workspace_id_run_id", "email_logs", ["workspace_id", "run_id"], unique=False
    )
    op.create_index(
        "idx_email_logs_workspace_id_workflow_id_node",
        "email_logs",
        ["workspace_id", "workflow_id", "node"],
        unique=False,
    )
    op.create_index(
        "uq_email_logs_workspace_id_send_key", "email_logs", ["workspace_id", "send_key"], unique=True
    )
    op.create_table(
        "run_actions",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("visit", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "run_id"],
            ["workflow_runs.workspace_id", "workflow_runs.id"],
            name=op.f("fk_run_actions_workspace_id_run_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_run_actions_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_run_actions")),
        sa.UniqueConstraint(
            "workspace_id",
            "run_id",
            "node",
            "visit",
            name=op.f("uq_run_actions_workspace_id_run_id_node_visit"),
        ),
    )
    op.create_index("idx_run_actions_due_at", "run_actions", ["workspace_id", "due_at"], unique=False)
    op.create_table(
        "run_stimuli",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("source_key", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=True),
        sa.Column("visit", sa.Integer(), nullable=True),
        sa.Column("payload", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("parked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "run_id"],
            ["workflow_runs.workspace_id", "workflow_runs.id"],
            name=op.f("fk_run_stimuli_workspace_id_run_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "run_id", "source_key", name=op.f("pk_run_stimuli")),
    )
    op.create_index(
        "idx_run_stimuli_id",
        "run_stimuli",
        ["workspace_id", "id"],
        unique=False,
        postgresql_where=sa.text("not parked"),
    )
    op.create_table(
        "run_waits",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("visit", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.Text(), nullable=True),
        sa.Column("match", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind in ('timer', 'event', 'email', 'action', 'child', 'merge')", name=op.f("ck_run_waits_kind")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "run_id"],
            ["workflow_runs.workspace_id", "workflow_runs.id"],
            name=op.f("fk_run_waits_workspace_id_run_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "run_id", "node", "visit", name=op.f("pk_run_waits")),
    )
    op.create_index(
        "idx_run_waits_contact_id_event",
        "run_waits",
        ["workspace_id", "contact_id", "event"],
        unique=False,
        postgresql_where=sa.text("kind = 'event'"),
    )
    op.create_table(
        "email_attempts",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("email_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("provider_account_id", sa.Uuid(), nullable=True),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("provider_message_id", sa.Text(), nullable=True),
        sa.Column("cap_day", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "email_id"],
            ["email_logs.workspace_id", "email_logs.id"],
            name=op.f("fk_email_attempts_workspace_id_email_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_email_attempts_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "email_id", "n", name=op.f("pk_email_attempts")),
        postgresql_partition_by="RANGE (email_id)",
    )
    op.create_foreign_key(
        "fk_automation_workflows_live_version",
        "automation_workflows",
        "workflow_versions",
        ["workspace_id", "live_version_id"],
        ["workspace_id", "id"],
        ondelete="NO ACTION",
        use_alter=True,
    )


FUNCTIONS = (
    r"""
create or replace function autoloop_id_floor(at timestamptz) returns uuid language sql immutable as $$
  select (lpad(to_hex(floor(extract(epoch from at) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
$$
""",
    r"""
create or replace function autoloop_make_partitions() returns integer
language plpgsql security definer set search_path = public, pg_temp set timezone = 'UTC' as $$
declare
  parent text; month timestamptz; name text; made integer := 0;
begin
  perform pg_advisory_xact_lock(hashtextextended('autoloop partitions', 0));
  foreach parent in array array['run_steps', 'email_attempts', 'events'] loop
    if to_regclass(parent || '_default') is null then
      execute format('create table %I partition of %I default', parent || '_default', parent);
    end if;
    for ahead in 0..6 loop
      month := date_trunc('month', now()) + make_interval(months => ahead);
      name := parent || to_char(month, '_YYYY_MM');
      if to_regclass(name) is null then
        begin
          execute format('create table %I partition of %I for values from (%L) to (%L)', name, parent,
            autoloop_id_floor(month), autoloop_id_floor(month + interval '1 month'));
          made := made + 1;
        exception when check_violation then
          raise warning 'the default partition of % holds rows of %', parent, month;
        end;
      end if;
    end loop;
  end loop;
  return made;
end $$
""",
    r"""
create or replace function autoloop_drop_partitions(before date) returns integer
language plpgsql security definer set search_path = public, pg_temp set timezone = 'UTC' as $$
declare
  parent text; name text; month timestamptz; held boolean; question text; dropped integer := 0;
begin
  perform pg_advisory_xact_lock(hashtextextended('autoloop partitions', 0));
  foreach parent in array array['run_steps', 'email_attempts', 'events'] loop
    question := case parent
      when 'run_steps' then $q$select 1 from workflow_runs where ended_at is null and id >= %L and id < %L$q$ when 'email_attempts' then $q$select 1 from email_logs where status in ('intent', 'sending', 'unknown') and id >= %L and id < %L$q$ when 'events' then $q$select 1 from events where pending and id >= %L and id < %L$q$ end;
    for name in
      select child.relname::text from pg_inherits join pg_class child on child.oid = inhrelid
      where inhparent = parent::regclass and child.relname ~ ('^' || parent || '_[0-9]{4}_[0-9]{2}$') order by 1
    loop
      month := to_timestamp(right(name, 7), 'YYYY_MM');
      if month + interval '1 month' <= before then
        execute format('select exists (' || question || ')', autoloop_id_floor(month),
          autoloop_id_floor(month + interval '1 month')) into held;
        if not held then
          execute format('drop table %I', name);
          dropped := dropped + 1;
        end if;
      end if;
    end loop;
  end loop;
  return dropped;
end $$
""",
    r"""
revoke all on function autoloop_make_partitions(), autoloop_drop_partitions(date) from public
""",
    r"""
grant execute on function autoloop_make_partitions(), autoloop_drop_partitions(date) to autoloop_worker
""",
    r"""
create or replace function autoloop_search_words(words text) returns tsquery
language sql immutable strict set search_path = pg_catalog, pg_temp as $body$
  select to_tsquery('simple', coalesce(string_agg(
    '''' || replace(replace(w, '\', ''), '''', '') || ''':*', ' & '), ''))
  from (select distinct w from regexp_split_to_table(
    lower(translate(left(words, 200), '@.-_+/,;:()''"\', '              ')), '\s+') w where w <> '' limit 10) parts
$body$
""",
    r"""
create or replace function autoloop_match_businesses(words text, tag text, held jsonb) returns setof uuid
language plpgsql stable security definer rows 1000
set search_path = public, pg_catalog, pg_temp set plan_cache_mode = force_custom_plan as $body$
declare
  here constant uuid := nullif(current_setting('autoloop.workspace', true), '')::uuid;
begin
  if here is null then return; end if;
  return query select r.id from businesses r where r.workspace_id = here
    and ($1 is null or r.tsv @@ autoloop_search_words($1))
    and ($2 is null or r.tags @> array[$2])
    and ($3 is null or r.fields @> $3);
end
$body$
""",
    r"""
create or replace function autoloop_match_contacts(words text, tag text, held jsonb, topic text) returns setof uuid
language plpgsql stable security definer rows 1000
set search_path = public, pg_catalog, pg_temp set plan_cache_mode = force_custom_plan as $body$
declare
  here constant uuid := nullif(current_setting('autoloop.workspace', true), '')::uuid;
begin
  if here is null then return; end if;
  return query select r.id from business_contacts r where r.workspace_id = here
    and ($1 is null or r.tsv @@ autoloop_search_words($1))
    and ($2 is null or r.tags @> array[$2])
    and ($3 is null or r.fields @> $3)
    and ($4 is null or r.topics @> array[$4]);
end
$body$
""",
    r"""
revoke all on function autoloop_search_words(text) from public
""",
    r"""
grant execute on function autoloop_search_words(text) to autoloop_web, autoloop_worker
""",
    r"""
revoke all on function autoloop_match_businesses(text, text, jsonb) from public
""",
    r"""
grant execute on function autoloop_match_businesses(text, text, jsonb) to autoloop_web, autoloop_worker
""",
    r"""
revoke all on function autoloop_match_contacts(text, text, jsonb, text) from public
""",
    r"""
grant execute on function autoloop_match_contacts(text, text, jsonb, text) to autoloop_web, autoloop_worker
""",
)
