"""Who replied, where a run was stopped because a colleague did."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from autoloop.base.i18n import _
from autoloop.engine.models import WorkflowRun

__all__ = ["colleague_said"]

REPLIED = text("""
select coalesce(nullif(btrim(o.first_name || ' ' || o.last_name), ''), o.email) as name
from business_contacts c
join business_contacts o on o.workspace_id = c.workspace_id and o.business_id = c.business_id and o.id <> c.id
join events e on e.workspace_id = o.workspace_id and e.contact_id = o.id and e.name = 'email.replied'
where c.workspace_id = :workspace and c.id = :contact and e.received_at <= :ended
order by e.id desc limit 1""")


def colleague_said(session: Session, run: WorkflowRun) -> Any:
    """“Ada Lowe of the same company replied”, without a name if it is not known any more."""
    values = {"workspace": run.workspace_id, "contact": run.contact_id, "ended": run.ended_at}
    name = session.execute(REPLIED, values).scalar()
    if not name:
        return _("somebody else of the same company replied")
    return _("${name} of the same company replied", mapping={"name": name})
