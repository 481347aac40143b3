"""An email as its recipient reads it: rendered again from the same row, so it is the same."""

from __future__ import annotations

from uuid import UUID

from autoloop.base.due import Lease
from autoloop.base.services import Services
from autoloop.mail.delivery.letters import Finished, finish
from autoloop.mail.delivery.outgoing import load
from autoloop.mail.delivery.versions import Versions
from autoloop.mail.links import Links

__all__ = ["rendered"]


def rendered(services: Services, email_id: UUID) -> Finished | None:
    """The finished message of an email, or None if none can be made (erased, or the template fails)."""
    mails = load(services.session, [Lease(services.workspace_id, email_id, 0, 0)])
    if not mails:
        return None
    versions = Versions()
    versions.fetch(services.session, mails)
    settings = services.settings
    made = finish(mails[0], versions, Links(settings.public_url, settings.secret_keys))
    return made if isinstance(made, Finished) else None
