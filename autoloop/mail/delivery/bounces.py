"""Recipients that the server named unknown, while the mail was staged or after it: bounces, as the provider's webhook tells them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import text

from autoloop.base.events import Event
from autoloop.base.services import Services
from autoloop.engine.services.events import receive
from autoloop.mail.models import Status

if TYPE_CHECKING:
    from autoloop.mail.delivery.outcomes import Outcome
    from autoloop.mail.delivery.outgoing import Outgoing

__all__ = ["tell_bounces"]

OF = text("""
select e.workspace_id, e.id, e.contact_id, e.run_id, e.workflow_id, e.node, v.template_id
from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[])) u(tenant, id)
join email_logs e on e.workspace_id = u.tenant and e.id = u.id
left join email_template_versions v on v.workspace_id = e.workspace_id and v.id = e.template_version_id""")


def tell_bounces(services: Services, written: Sequence[tuple[Outgoing, Outcome]]) -> None:
    """Emit email.bounced for each email that was rejected because its address does not exist; routing
    suppresses the address and counts it against the sender. The email itself stays rejected."""
    said = {
        mail.id: (mail, outcome.attempt)
        for mail, outcome in written
        if outcome.status is Status.REJECTED and outcome.attempt is not None and outcome.attempt.of_address
    }
    if not said:
        return
    given = {"tenants": [mail.workspace_id for mail, _ in said.values()], "ids": list(said)}
    events = []
    for row in services.session.execute(OF, given):
        mail, refused = said[row.id]
        data = {
            "email_id": row.id,
            "run_id": row.run_id,
            "workflow_id": row.workflow_id,
            "node": row.node,
            "template_id": row.template_id,
            "provider": mail.provider,
        }
        told = {name: str(value) for name, value in data.items() if value is not None}
        told |= {"type": "hard", "detail": refused.text.replace("\x00", "")[:500]}
        source = f"provider:{mail.account_id}"
        events.append(
            Event(row.workspace_id, "email.bounced", row.contact_id, told, source, f"refused:{row.id}")
        )
    receive(services, events)
    services.nudge("route")
