"""Test sends: a template to an address of one's own, filled as for a real contact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text

from autoloop.base.errors import Conflict, Invalid
from autoloop.base.ids import new_id
from autoloop.base.services import Service
from autoloop.mail.addresses import checked_address
from autoloop.mail.models import Email, EmailTemplate, EmailTemplateVersion, Kind, Sender
from autoloop.mail.render import context_for
from autoloop.mail.services.senders import Senders
from autoloop.mail.templates.people import People
from autoloop.mail.templates.services import Templates

__all__ = ["TestSends"]


class TestSends(Service):
    """Asks for emails of the kind `test`: no consent, no footer, no part of any statistics."""

    __test__ = False  # for pytest, which would take the name for a class of tests

    def send(self, given: Mapping[str, Any]) -> Email:
        """An intent for `to_address`, of template `template_id` (version `number`, else the current one),
        filled as for `contact_id` or a sample. Raises Invalid, or Conflict without a sender."""
        version = self._version(given)
        sender = self._sender(given.get("sender_id"))
        now = self.session.execute(text("select now()")).scalar_one()
        context = self.services(People).context(given.get("contact_id"))
        id = new_id()
        email = Email(
            workspace_id=self.workspace_id,
            id=id,
            send_key=f"test:{id}",
            kind=Kind.TEST.value,
            user_id=self.services.user_id,
            template_version_id=version.id,
            sender_id=sender.id,
            to_address=checked_address(given["to_address"], "to_address"),
            context=context_for(version, context, now),
            priority=5,
            due_at=now,
        )
        self.add(email)
        self.services.nudge("mail")
        return email

    def _version(self, given: Mapping[str, Any]) -> EmailTemplateVersion:
        templates = self.services(Templates)
        template: EmailTemplate | None = templates.find(given["template_id"])
        if template is None:
            raise Invalid(details={"template_id": ["There is no such template."]})
        if given.get("number") is None:
            return templates.whole(template).version
        version = templates.version(template.id, given["number"])
        if version is None:
            raise Invalid(details={"number": ["There is no such version."]})
        return version

    def _sender(self, id: Any) -> Sender:
        found = (
            self.services(Senders).default()
            if id is None
            else self.session.get(Sender, (self.workspace_id, id))
        )
        if found is None and id is not None:
            raise Invalid(details={"sender_id": ["There is no such sender."]})
        if found is None:
            raise Conflict("Make a sender first: mail needs somebody it comes from.", code="NO_SENDER")
        return found
