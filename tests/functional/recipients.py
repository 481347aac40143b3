"""Ada, who got a marketing mail, and the links in it."""

from __future__ import annotations

from uuid import UUID

from autoloop.mail.links import Links
from tests.factories import Client
from tests.functional.mail_world import MailWorld, drain

__all__ = ["ada", "marketed", "subscribed", "token"]

ADDRESS = "ada@example.org"


def subscribed(world: MailWorld) -> UUID:
    """Ada, who agreed to get news."""
    return world.contact(ADDRESS, topics=["news"], consent_marketing="granted", consent_source="form")


def marketed(api: Client, world: MailWorld, contact: UUID) -> UUID:
    """A marketing mail that she got."""
    for key in ("news", "tips"):
        api.post("topics", {"key": key, "name": key.title()})
    (id,) = world.intend(kind="marketing", contact_id=contact, to_address=ADDRESS)
    drain(world.runtime)
    return id


def token(world: MailWorld, email: UUID, purpose: str = "preferences") -> str:
    """The path of one of the mail's links."""
    links = Links("", world.runtime.settings.secret_keys)
    return f"/t/{links.token(purpose, world.tenant.id, email)}"


def ada(world: MailWorld, columns: str) -> tuple[object, ...]:
    """What is known of her."""
    return tuple(world.sql(f"select {columns} from business_contacts where workspace_id = :w")[0])
