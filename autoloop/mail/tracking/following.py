"""From a token back to its email, and from there to where the link leads: what the mail holds, and nothing else."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from sqlalchemy import select, text

from autoloop.base.liquid import TemplateInvalid
from autoloop.base.services import Service
from autoloop.mail.addresses import ascii_domain
from autoloop.mail.models import Email, EmailTemplateVersion
from autoloop.mail.tracking.filling import target_at, targets_of
from autoloop.mail.tracking.tokens import Place, Touch

__all__ = ["Following", "location_of"]

KEPT = 32
_KEPT_SIGNS = "%!#$&'()*+,/:;=?@[]~-._"

FIND = text("""
select e.id, e.workspace_id, e.kind, e.to_address, e.is_tracked, e.contact_id, e.run_id, e.workflow_id, e.node,
  e.template_version_id, v.template_id, coalesce(c.locale, '') as locale,
  coalesce(coalesce(e.sent_at, e.first_tried_at)
    + case e.kind when 'marketing' then interval '5 seconds' else interval '2 seconds' end > clock_timestamp(), true) as is_early,
  w.locale as workspace_locale, coalesce(c.consent_tracking, 'unknown') as consent,
  coalesce(w.settings ->> 'tracking', 'off') as tracking
from email_logs e
join workspaces w on w.id = e.workspace_id
left join email_template_versions v on v.workspace_id = e.workspace_id and v.id = e.template_version_id
left join business_contacts c on c.workspace_id = e.workspace_id and c.id = e.contact_id
where e.workspace_id = :workspace and e.id = :email""")

# Versions never change: each is read once per process, as long as it is followed often.
_held: OrderedDict[UUID, Any] = OrderedDict()


class Following(Service):
    """Reads what a touch is about. In the workspace of the touch."""

    def email(self, touch: Touch) -> Any | None:
        """The email's row, with what recording asks about; None if it is gone, or was erased."""
        given = {"workspace": touch.workspace_id, "email": touch.email_id}
        row = self.session.execute(FIND, given).one_or_none()
        return row if row is not None and row.to_address else None

    def target(self, email: Any, touch: Touch) -> str | None:
        """Where the link leads; None if the email has no such link (any more)."""
        version = self._version(email.template_version_id) if email.template_version_id else None
        if version is None:
            return None
        try:
            return target_at(version, lambda: self._context(email.id), (touch.link, touch.turn))
        except TemplateInvalid:
            return None

    def targets(self, email: Any) -> dict[Place, str]:
        """Where all its links lead."""
        version = self._version(email.template_version_id) if email.template_version_id else None
        return targets_of(version, self._context(email.id)) if version is not None else {}

    def _context(self, email_id: UUID) -> dict[str, Any]:
        mine = (Email.workspace_id == self.workspace_id) & (Email.id == email_id)
        return self.session.scalar(select(Email.context).where(mine)) or {}

    def _version(self, id: UUID) -> Any | None:
        version = _held.get(id)
        if version is None:
            version = self.session.get(EmailTemplateVersion, (self.workspace_id, id))
            if version is None:
                return None
            self.session.expunge(version)
            _held[id] = version
            while len(_held) > KEPT:
                _held.popitem(last=False)
        return version


def location_of(target: str) -> str:
    """An address as it may stand in a Location header: ASCII, no spaces."""
    try:
        place, host = urlsplit(target).netloc, urlsplit(target).hostname or ""
        if not host.isascii():
            at = place.lower().rindex(host)
            target = target.replace(place, place[:at] + ascii_domain(host) + place[at + len(host) :], 1)
    except ValueError:
        pass  # browsers make what they can of it
    return quote(target, safe=_KEPT_SIGNS)
