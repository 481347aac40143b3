"""An email as its recipient reads it: rendered again from the same row, so it is the same."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from autoloop.base.due import Lease
from autoloop.base.services import Services
from autoloop.mail.delivery.letters import Finished, finish
from autoloop.mail.delivery.outgoing import load
from autoloop.mail.delivery.versions import Versions
from autoloop.mail.links import Links
from autoloop.mail.models import EmailTemplateVersion
from autoloop.mail.templates.carrying import TemplateFiles

__all__ = ["pictured", "rendered"]


def rendered(services: Services, email_id: UUID, *, tracked: bool = True) -> Finished | None:
    """The finished message of an email, or None if none can be made (erased, or the template fails).

    Without `tracked` its links lead where they lead, and nothing in it tells of opens: to look at here.
    """
    mails = load(services.session, [Lease(services.workspace_id, email_id, 0, 0)])
    if not tracked:
        mails = [replace(each, is_tracked=False) for each in mails]
    if not mails:
        return None
    versions = Versions()
    versions.fetch(services.session, mails)
    settings = services.settings
    made = finish(mails[0], versions, Links(settings.public_url, settings.secret_keys))
    return made if isinstance(made, Finished) else None


def pictured(services: Services, letter: Finished) -> str | None:
    """The HTML of a message for a page: with the pictures that travel with it."""
    version_id = letter.mail.template_version_id
    if letter.html is None or version_id is None or "cid:" not in letter.html:
        return letter.html
    version = services.session.get(EmailTemplateVersion, (services.workspace_id, version_id))
    return letter.html if version is None else services(TemplateFiles).in_place(version, letter.html)
