"""Tracked mail to look at here: its links lead where they lead, and nothing in it tells of an open."""

from __future__ import annotations

import re
from html import escape

from autoloop.base.services import Services
from autoloop.mail.links import Links
from autoloop.mail.tracking.following import Following
from autoloop.mail.tracking.tokens import LENGTH, Place, Touch

__all__ = ["untracked"]

NO_PICTURE = "data:,"
_ADDRESS = re.compile(rf"https?://[^\s\"'<>]{{1,300}}?/t/([A-Za-z0-9_-]{{{LENGTH}}})(?![A-Za-z0-9_.-])")


def untracked(services: Services, html: str) -> str:
    """The HTML of a message as it was sent, with where they lead in place of our own addresses.

    An address that leads nowhere any more stays as it is: it counts nothing.
    """
    settings = services.settings
    tokens = Links(settings.public_url, settings.secret_keys).tokens
    known: dict[Touch, dict[Place, str]] = {}

    def plain(found: re.Match[str]) -> str:
        touch = tokens.read(found[1])
        if touch is None or touch.workspace_id != services.workspace_id:
            return found[0]
        if not touch.link:
            return NO_PICTURE
        of_email = Touch(touch.workspace_id, touch.email_id, 0, 0)
        if of_email not in known:
            following = services(Following)
            email = following.email(of_email)
            known[of_email] = following.targets(email) if email is not None else {}
        target = known[of_email].get((touch.link, touch.turn))
        return escape(target) if target is not None else found[0]

    return _ADDRESS.sub(plain, html)
