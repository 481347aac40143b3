"""Row-level security alone keeps tenants apart; the serving roles own nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.factories import make_tenant

SERVING = ("autoloop_web", "autoloop_worker")


def test_serving_roles_own_nothing_and_bypass_nothing(runtime) -> None:
    with runtime.web_engine.connect() as connection:
        owned = connection.execute(
            text(
                "select c.relname from pg_class c join pg_roles r on r.oid = c.relowner where r.rolname = any(:names)"
            ),
            {"names": list(SERVING)},
        ).scalars()
        assert list(owned) == []
        rights = connection.execute(
            text(
                "select rolname, rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname = any(:names)"
            ),
            {"names": [*SERVING, "autoloop_owner"]},
        ).all()
    assert len(rights) == 3
    assert not any(row.rolsuper or row.rolbypassrls for row in rights)


def test_every_table_with_a_workspace_is_under_row_level_security_or_listed_as_the_instances(runtime) -> None:
    instance = {
        "workspaces", "workspace_slugs", "members", "api_keys", "sessions", "users", "claims", "audit_events",
        "scheduler_ticks", "generations", "sign_in_failures", "alembic_version", "run_batches", "hook_tokens", "partition_turns",
        "instance_suppressions",
    }  # fmt: skip
    with runtime.web_engine.connect() as connection:
        rows = connection.execute(
            text("""
            select c.relname, c.relrowsecurity, exists (select 1 from pg_policies p
              where p.tablename = c.relname and 'autoloop_web' = any(p.roles)) as policy
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition""")
        ).all()
    bare = {row.relname for row in rows if not (row.relrowsecurity and row.policy)}
    assert bare <= instance
    assert len(rows) > 30


def test_a_transaction_sees_only_the_workspace_it_entered(runtime) -> None:
    mine, other = make_tenant(runtime), make_tenant(runtime)
    insert = text("insert into tags (workspace_id, id, name) values (:ws, gen_random_uuid(), :name)")
    for tenant in (mine, other):
        with runtime.unit("web", tenant.id) as services:
            services.session.execute(insert, {"ws": tenant.id, "name": "vip"})
    count = text("select count(*) from tags")
    with runtime.unit("web") as services:
        assert services.session.execute(count).scalar() == 0
    with runtime.unit("web", mine.id) as services:
        assert services.session.execute(text("select workspace_id from tags")).scalars().all() == [mine.id]
        touched = services.session.execute(
            text("update tags set name = 'x' where workspace_id = :ws"), {"ws": other.id}
        )
        assert touched.rowcount == 0
    with pytest.raises(DBAPIError, match="row-level security"), runtime.unit("web", mine.id) as services:
        services.session.execute(insert, {"ws": other.id, "name": "planted"})


def test_a_worker_that_serves_one_tenant_acts_as_the_web_role(runtime) -> None:
    tenant = make_tenant(runtime)
    with runtime.unit("worker", tenant.id) as services:
        assert services.session.execute(text("select current_user")).scalar() == "autoloop_web"
    with runtime.unit("worker") as services:
        assert services.session.execute(text("select current_user")).scalar() == "autoloop_worker"


def test_audit_rows_cannot_be_changed_by_the_roles_that_serve(runtime) -> None:
    for role in ("web", "worker"):
        for statement in ("update audit_events set action = 'x'", "delete from audit_events"):
            with pytest.raises(DBAPIError, match="permission denied"), runtime.unit(role) as services:
                services.session.execute(text(statement))
