"""Two contacts become one: its events and runs follow, and nobody goes through a workflow twice by it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from autoloop.base.services import Services
from autoloop.engine.services.runs import Runs

__all__ = ["merge"]

# Events before runs, as routing locks them. What is still to be routed then finds the survivor's runs.
EVENTS = text("update events set contact_id = :keep where workspace_id = :workspace and contact_id = :gone")

HOLD = text("""
select id from workflow_runs
where workspace_id = :workspace and contact_id in (:keep, :gone) order by id for no key update
""")

CLASHES = text("""
select r.id from workflow_runs r join workflow_runs k on k.workspace_id = r.workspace_id
  and k.workflow_id = r.workflow_id and k.entry_key = r.entry_key and k.contact_id = :keep
where r.workspace_id = :workspace and r.contact_id = :gone order by r.id
""")

RENAME = text("""
update workflow_runs set entry_key = entry_key || ':merged:' || cast(:gone as text)
where workspace_id = :workspace and id = any(cast(:runs as uuid[]))
""")

RUNS = text("""
update workflow_runs set contact_id = :keep where workspace_id = :workspace and contact_id = :gone
""")

WAITS = text("update run_waits set contact_id = :keep where workspace_id = :workspace and contact_id = :gone")


def merge(services: Services, keep: UUID, gone: UUID) -> None:
    """Give the events, runs and waits of contact `gone` to `keep`.

    Where both entered a workflow for the same reason (the same entry key: with re-entry “once”, any), the
    other's run is a duplicate: if it is still going it is cancelled with the reason "merged", and its key is
    renamed. All others go on; choices still hash the id that they were started with.
    """
    session = services.session
    given = {"workspace": services.workspace_id, "keep": keep, "gone": gone}
    session.execute(EVENTS, given)
    session.execute(HOLD, given)
    clashes = list(session.scalars(CLASHES, given))
    if clashes:
        services(Runs).cancel(clashes, "merged")
        session.execute(RENAME, given | {"runs": clashes})
    session.execute(RUNS, given)
    session.execute(WAITS, given)
