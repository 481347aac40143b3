"""Keys that signed for half a year get a successor by themselves; people need only publish its record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from autoloop.base.i18n import _, paragraphs
from autoloop.mail.addresses import ascii_domain
from autoloop.mail.models import DkimKey, SendingDomain
from autoloop.plugins.effects import Notify
from autoloop.workspaces.models import Workspace

if TYPE_CHECKING:
    from autoloop.mail.services.domains import Domains

__all__ = ["ROTATE_AFTER", "rotate", "still_missing"]

ROTATE_AFTER = timedelta(days=180)
FORGET_AFTER = timedelta(days=30)  # mail that a retired key signed has arrived or come back by then


def rotate(domains: Domains, domain: SendingDomain, keys: Sequence[DkimKey], now: datetime) -> list[DkimKey]:
    """Make a new key beside each that signed for too long, and tell the administrators its record.

    The old one signs until the record is seen: nothing stops, whoever is slow. `keys` are those not retired.
    """
    waiting = {key.algorithm for key in keys if key.status == "new"}
    old = [
        key
        for key in keys
        if key.status == "active"
        and key.algorithm not in waiting
        and (key.activated_at or key.created_at) < now - ROTATE_AFTER
    ]
    made = [domains.new_key(domain.id, key.algorithm) for key in old if _room(domains, domain, now)]
    for key in made:
        _tell(domains, domain, key)
    return made


def still_missing(keys: Sequence[DkimKey], missing: set[str]) -> bool:
    """Whether a record that mail needs is not in the DNS: a key's that signs, or of an algorithm that none
    signs by. What only waits to succeed another is not needed yet. `missing` are selectors."""
    signing = {key.algorithm for key in keys if key.status == "active"}
    return any(
        key.selector in missing for key in keys if key.status == "active" or key.algorithm not in signing
    )


def _room(domains: Domains, domain: SendingDomain, now: datetime) -> bool:
    """Whether the domain may have one more key; the oldest retired one makes room if it must."""
    from autoloop.mail.services.domains import MOST_KEYS

    keys = domains.keys(domain.id)
    if len(keys) < MOST_KEYS:
        return True
    gone = [key for key in keys if key.retired_at is not None and key.retired_at < now - FORGET_AFTER]
    if gone:
        domains.remove_key(domain.id, gone[-1].id)
    return bool(gone)


def _tell(domains: Domains, domain: SendingDomain, key: DkimKey) -> None:
    services = domains.services
    notify = services.registrations.effect_handlers.get("notify")
    workspace = services.session.get(Workspace, domain.workspace_id)
    if notify is None or workspace is None:
        return
    parts = {
        "domain": domain.name,
        "name": f"{key.selector}._domainkey.{ascii_domain(domain.name)}",
        "record": key.record,
        "days": str(ROTATE_AFTER.days),
    }
    title = _("${domain} has a new DKIM key to publish", mapping=parts)
    body = _(
        "A key of ${domain} has signed for ${days} days, so there is a new one. Add this TXT record to the DNS:\n\n"
        "${name}\n${record}\n\nThe old key signs until the record is seen; then the new one takes over by itself.",
        mapping=parts,
    )
    page = f"{services.settings.public_url}/w/{workspace.slug}/domains/{domain.id}"
    said = Notify(title, paragraphs(body, page), "admin", mail=True)
    notify(services, domain.workspace_id, None, said, key=f"dkim:{key.id}")
