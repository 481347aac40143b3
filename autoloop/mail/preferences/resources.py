"""`/t/{token}`: links out of an email, one kind of node for each purpose."""

from __future__ import annotations

from typing import ClassVar

from pyramid.authorization import Allow, Everyone
from pyramid.decorator import reify

from autoloop.base.errors import NotFound
from autoloop.mail.links import MOST, Link, Links
from autoloop.mail.preferences.service import Preferences, Recipient
from autoloop.mail.tracking.resources import TouchLink
from autoloop.web.permissions import Permission
from autoloop.web.tree import Node

__all__ = ["EraseLink", "ExportLink", "PreferencesLink", "PublicLink", "PublicLinks", "UnsubscribeLink"]


class PublicLink(Node):
    """A link out of an email. Its token is all the proof there is; cookies and sessions play no part."""

    def __init__(self, parent: Node, name: str, link: Link) -> None:
        super().__init__(parent, name)
        self.link = link

    @reify
    def recipient(self) -> Recipient:
        request = self.request
        found: Recipient | None = request.services(Preferences).recipient(self.link)
        if found is None:
            raise NotFound
        request.speak(found.locale, found.workspace_locale)
        request.response.cache_control = "no-store"
        request.header_profile = "public_page"
        return found

    @property
    def ended(self) -> bool:
        """The link was good until a moment, and that has passed."""
        return bool(self.link.until) and self.request.services.clock.now().timestamp() > self.link.until


class UnsubscribeLink(PublicLink):
    """One click, and no more marketing mail comes."""


class PreferencesLink(PublicLink):
    """What the recipient wants, and why they got the mail."""


class ExportLink(PublicLink):
    """All that is known of the recipient, as a file."""


class EraseLink(PublicLink):
    """The end of all that is known of the recipient."""


NODES: dict[str, type[PublicLink]] = {
    "unsubscribe": UnsubscribeLink,
    "preferences": PreferencesLink,
    "export": ExportLink,
    "erase": EraseLink,
}


class PublicLinks(Node):
    """`/t/{token}`"""

    __acl__: ClassVar = [(Allow, Everyone, Permission.PUBLIC)]

    def member(self, name: str) -> Node:
        self.request.speak()
        settings = self.request.runtime.settings
        links = Links(settings.public_url, settings.secret_keys)
        if "." not in name and self.request.method in ("GET", "HEAD"):
            return TouchLink(self, name, links.tokens.read(name))
        link = links.read(name) if 20 <= len(name) <= MOST else None
        if link is None:
            raise KeyError(name)
        return NODES[link.purpose](self, name, link)
