"""Pausing a sender for the trouble its mail causes, and letting it go on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import text

from autoloop.base.i18n import _, paragraphs
from autoloop.base.services import Services
from autoloop.plugins.effects import Notify
from autoloop.workspaces.services import WorkspaceAudit

__all__ = ["pause", "why_paused"]

PAUSE = text("""
update senders set status = 'paused', paused_because = cast(:because as jsonb), paused_at = clock_timestamp(),
  updated_at = clock_timestamp()
where workspace_id = :workspace and id = :id and status = 'active' returning paused_at""")

SAID = {
    "complaints": _("${share} % of its mails of ${days} days were reported as spam (${count} of ${sent})"),
    "bounces": _("${share} % of its mails of ${days} days came back for good (${count} of ${sent})"),
}


def why_paused(because: Mapping[str, Any] | None) -> Any:
    """Why a sender was paused, to be translated; None where a person did it."""
    if not because or because.get("kind") not in SAID:
        return None
    count, sent = because[because["kind"]], because["sent"]
    parts = {
        "share": f"{100 * count / max(sent, 1):.2f}".rstrip("0").rstrip("."),
        "days": f"{because['days']:g}",
        "count": f"{count:,}",
        "sent": f"{sent:,}",
    }
    return _(str(SAID[because["kind"]]), mapping=parts)


def pause(services: Services, sender: Any, because: Mapping[str, Any]) -> None:
    """Pause a sender {id, workspace_id, slug, address}, write it down and tell the workspace's editors."""
    values = {
        "workspace": sender.workspace_id,
        "id": sender.id,
        "because": orjson.dumps(dict(because)).decode(),
    }
    at = services.session.execute(PAUSE, values).scalar()
    if at is None:
        return
    services(WorkspaceAudit).note("sender.paused", subject=sender.address, **because)
    notify = services.registrations.effect_handlers.get("notify")
    if notify is None:
        return
    title = _("The sender ${address} was paused", mapping={"address": sender.address})
    body = _(
        "${why}. Its mail waits. Find out what went wrong before you let it go on: lists that were bought or are old, "
        "addresses that were mistyped, people who did not expect the mail. Then resume it on its page.",
        mapping={"why": why_paused(because)},
    )
    page = f"{services.settings.public_url}/w/{sender.slug}/senders/{sender.id}"
    notify(
        services,
        sender.workspace_id,
        None,
        Notify(title, paragraphs(body, page), "editor", mail=True),
        key=f"sender_paused:{sender.id}:{at.isoformat()}",
    )
