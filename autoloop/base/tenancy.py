"""What every migration that makes a table says about it: whose rows it holds, and which roles reach them."""

from __future__ import annotations

from alembic import op

__all__ = ["instance_table", "tenant_table"]

HERE = "workspace_id = nullif(current_setting('autoloop.workspace', true), '')::uuid"


def tenant_table(name: str, *, worker: bool) -> None:
    """Rows of one tenant each: the web role sees those of the workspace it has entered, and none without
    one. With `worker`, the worker role sees all: for what Advance, Routing, Perform and Delivery touch,
    where composite references keep tenants apart.
    """
    op.execute(f"grant select, insert, update, delete on {name} to autoloop_web")
    op.execute(f"alter table {name} enable row level security")
    op.execute(f"create policy tenant on {name} to autoloop_web using ({HERE}) with check ({HERE})")
    if worker:
        op.execute(f"grant select, insert, update, delete on {name} to autoloop_worker")
        op.execute(f"create policy worker on {name} to autoloop_worker using (true) with check (true)")


def instance_table(name: str) -> None:
    """Rows of the installation: no row-level security, both serving roles."""
    op.execute(f"grant select, insert, update, delete on {name} to autoloop_web, autoloop_worker")
