"""What a recipient is told and may choose. Everything hangs on one email that they got."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from autoloop.base.errors import Invalid
from autoloop.base.i18n import LANGUAGES, _, language_of, words
from autoloop.base.services import Service
from autoloop.businesses.models import Contact, Topic
from autoloop.businesses.services import Contacts
from autoloop.businesses.services.consents import Consents, said_by
from autoloop.mail.addresses import address_hash
from autoloop.mail.links import Link, Links
from autoloop.mail.models import Email, Sender
from autoloop.mail.services.suppressions import Suppressions
from autoloop.mail.services.unsubscribing import Unsubscribing
from autoloop.workspaces.models import Workspace

__all__ = ["PACES", "PAUSE", "Preferences", "Recipient"]

PACES = (0, 7, 30)  # days between two marketing mails
PAUSE = timedelta(days=30)
CONFIRMED_WITHIN = timedelta(hours=24)

CONFIRM = {
    "export": (
        _("Your data at %(sender)s"),
        _(
            "Somebody, most likely you, asked %(sender)s for the data kept about %(address)s.\n\nTake it here within 24 hours:\n%(url)s\n\nIf it was not you, do nothing."
        ),
    ),
    "erase": (
        _("Erase your data at %(sender)s?"),
        _(
            "Somebody, most likely you, asked %(sender)s to erase the data kept about %(address)s.\n\nConfirm it here within 24 hours:\n%(url)s\n\nIf it was not you, do nothing."
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who got an email from whom. `contact` is None where the mail went to a bare address."""

    email: Email
    contact: Contact | None
    sender: str
    sender_address: str
    workspace: str
    postal_address: str
    locale: str
    workspace_locale: str
    left: bool

    @property
    def address(self) -> str:
        """Where the mail went."""
        return self.email.to_address

    @property
    def mailbox(self) -> str:
        """Where this person gets mail now: what is theirs goes there, not to an address they gave up."""
        return (self.contact.email if self.contact else None) or self.email.to_address


class Preferences(Service):
    """Reads and keeps what recipients want. Nobody is signed in here."""

    def recipient(self, link: Link) -> Recipient | None:
        """Whom a link is about, None if the email or the person is gone. Enters the workspace."""
        self.services.enter(link.workspace_id)
        here = (link.workspace_id, link.email_id)
        email = self.session.get(Email, here)
        workspace = self.session.get(Workspace, link.workspace_id)
        if email is None or not email.to_address or workspace is None:
            return None
        sender = self.session.get(Sender, (link.workspace_id, email.sender_id)) if email.sender_id else None
        contact = self.services(Contacts).find(email.contact_id) if email.contact_id else None
        lists = self.services(Suppressions)
        left = "unsubscribed" in lists.of_address(email.to_address)
        return Recipient(
            email,
            contact,
            (sender.name if sender else "") or workspace.name,
            sender.address if sender else "",
            workspace.name,
            (sender.postal_address if sender else "") or workspace.postal_address,
            contact.locale if contact else "",
            workspace.locale,
            left or (contact is not None and contact.status == "unsubscribed"),
        )

    def topics(self, contact: Contact) -> list[dict[str, Any]]:
        """The topics a person may choose among: {key, name, description, chosen}."""
        mine = select(Topic).where(Topic.workspace_id == self.workspace_id, Topic.is_public)
        return [
            {
                "key": row.key,
                "name": row.name,
                "description": row.description,
                "chosen": row.key in contact.topics,
            }
            for row in self.session.scalars(mine.order_by(Topic.name, Topic.key))
        ]

    def asks_tracking(self, contact: Contact) -> bool:
        """Whether there is anything to decide about opens and clicks."""
        workspace = self.session.get(Workspace, self.workspace_id)
        return contact.consent_tracking != "unknown" or (
            workspace is not None and workspace.tracking != "off"
        )

    def save(self, contact: Contact, given: Mapping[str, str]) -> None:
        """Keep topics (`topic.{key}`), `pace` (days), `language`, `tracking` and `pause`; what is left out is "no" for
        the boxes and stays as it was for the rest. Raises Invalid with the field."""
        offered = {topic["key"] for topic in self.topics(contact)}
        asked = {name.removeprefix("topic.") for name in given if name.startswith("topic.")}
        known = {"pace", "language", "pause", *(f"topic.{key}" for key in offered)}
        if self.asks_tracking(contact):
            known.add("tracking")
        problems = {name[:80]: [_("There is no such choice.")] for name in given if name not in known}
        pace, language = given.get("pace"), given.get("language")
        if pace is not None and pace not in {str(days) for days in PACES}:
            problems["pace"] = [_("There is no such choice.")]
        if language is not None and language not in LANGUAGES:
            problems["language"] = [_("There is no such choice.")]
        if problems:
            raise Invalid(details=problems)
        hidden = set(contact.topics) - offered
        values: dict[str, Any] = {}
        if sorted(asked | hidden) != sorted(contact.topics):
            values["topics"] = self._known(asked | hidden)
        if language and (not contact.locale or language != language_of(contact.locale)):
            values["locale"] = language
        said_by(self.services, "preferences")
        if tracking := _tracking_said(contact, given):
            values["consent"] = {"tracking": tracking}
            if tracking == "denied":
                self.session.execute(UNTRACK, {"workspace": self.workspace_id, "contact": contact.id})
        self._wake(contact.id)  # emails are locked before contacts, here as everywhere
        if pace is not None:
            contact.mail_pace_days = int(pace)
        self._pause(contact, wanted="pause" in given)
        self.services(Contacts).update(contact, values, source="preferences")
        self.session.flush()

    def heard_from(self, ip: str) -> None:
        """Whoever used the link did so from this IP address; the history keeps a keyed hash of it."""
        self.services(Consents).heard_from(ip)

    def leave(self, found: Recipient, ip: str | None = None) -> None:
        """No more marketing mail of any kind."""
        if not found.left:
            digest = address_hash(self.workspace_id, found.address)
            self.services(Consents).note_unsubscribe(found.email.contact_id, digest, ip)
        self.services(Unsubscribing).unsubscribe(found.email)
        if found.mailbox != found.address:
            self.services(Suppressions).suppress(found.mailbox, "unsubscribed", email_id=found.email.id)

    def come_back(self, found: Recipient) -> None:
        """The person wants marketing mail again: takes back what they had said, and nothing else."""
        for address in {found.address, found.mailbox}:
            self.services(Suppressions).take_back(address)
        if found.contact is not None:
            given: dict[str, Any] = {"consent": {"marketing": "granted", "source": "preferences"}}
            if found.contact.status == "unsubscribed":
                given["status"] = "active"
            self.services(Contacts).update(found.contact, given, source="preferences")

    def ask(self, found: Recipient, purpose: str) -> None:
        """Send the link that confirms an export or an erasure to the person's mailbox; once an hour."""
        now = self.clock.now()
        send = self.services.registrations.system_mail
        if send is None or found.contact is None:
            raise Invalid(_("Nothing is kept about this address."))
        until = int((now + CONFIRMED_WITHIN).timestamp())
        links = Links(self.settings.public_url, self.settings.secret_keys)
        url = links.confirm(purpose, found.email.workspace_id, found.email.id, until)
        language = language_of(found.locale, found.workspace_locale)
        subject, body = CONFIRM[purpose]
        send(
            self.services,
            purpose=f"own_{purpose}",
            key=f"{found.contact.id}:{now:%Y%m%d%H}",
            to=found.mailbox,
            subject=words(language, subject, sender=found.sender),
            body=words(language, body, sender=found.sender, address=found.mailbox, url=url),
        )

    def export(self, contact_id: UUID) -> dict[str, Any]:
        """All that is known of a person, part by part (`registrations.exporters`)."""
        parts = self.services.registrations.exporters
        return {name: parts[name](self.services, contact_id) for name in sorted(parts)}

    def erase(self, found: Recipient) -> None:
        """Delete the person and blank their mail. The address stays suppressed, by hash alone: a later
        import does not mail them again."""
        for address in {found.address, found.mailbox}:
            self.services(Suppressions).suppress(address, "unsubscribed", note="erased")
        if found.contact is not None:
            self.services(Contacts).delete(found.contact)

    def _pause(self, contact: Contact, *, wanted: bool) -> None:
        now: datetime = self.clock.now()
        running = contact.mail_paused_until is not None and contact.mail_paused_until > now
        if wanted and not running:
            contact.mail_paused_until = now + PAUSE
        elif not wanted and running:
            contact.mail_paused_until = None

    def _known(self, keys: set[str]) -> list[str]:
        mine = select(Topic.key).where(Topic.workspace_id == self.workspace_id, Topic.key.in_(keys))
        return sorted(self.session.scalars(mine))

    def _wake(self, contact_id: UUID) -> None:
        """Mail that was held for what the person had chosen before is judged anew."""
        self.session.execute(WAKE, {"workspace": self.workspace_id, "contact": contact_id})
        self.services.nudge("mail")


def _tracking_said(contact: Contact, given: Mapping[str, str]) -> str | None:
    """What an answered page says about tracking: a box that stays empty takes a yes back, and is no no else."""
    if "tracking" in given:
        return "granted"
    return "denied" if contact.consent_tracking == "granted" else None


# What is in a worker's hands goes as it was composed; nothing of it is recorded all the same.
UNTRACK = text("""
update email_logs set is_tracked = false, updated_at = now() where workspace_id = :workspace
  and contact_id = :contact and is_tracked and status = 'intent' and first_tried_at is null
  and (lease_until is null or lease_until < clock_timestamp())""")

WAKE = text("""
update email_logs set due_at = clock_timestamp(), hold_reason = null where workspace_id = :workspace
  and contact_id = :contact and status = 'intent' and hold_reason in ('pace', 'paused_by_contact')
  and (lease_until is null or lease_until < clock_timestamp())""")
