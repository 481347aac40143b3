"""What a person sent: checked, written to the contact, told as an event; twice is once."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from autoloop.base.errors import AutoLoopError, Conflict, Invalid
from autoloop.base.events import Event
from autoloop.base.i18n import _
from autoloop.base.ids import parse_id
from autoloop.base.services import Service
from autoloop.businesses.addresses import BadAddress, normal_email
from autoloop.businesses.services import Contacts, Fields
from autoloop.engine.forms import EVENT
from autoloop.engine.forms.services import honeypot_of
from autoloop.engine.models import Form
from autoloop.engine.services.events import receive

__all__ = ["Submitting"]

LONGEST = {"area": 5_000}
USUAL = 500
BUCKET = 120  # seconds in which the same answers, sent without a number, are one submission

KNOWN = text(
    "select 1 from event_keys where workspace_id = :workspace and source = :source and source_id = :id"
)


class Submitting(Service):
    def take(self, form: Form, posted: Mapping[str, str], submission: str) -> bool:
        """Write one submission. False if it was known already or came from a program.

        Raises Invalid with a message per field. The contact is found by its address, else made; what it
        says is written over what is there, what is left empty stays.
        """
        if posted.get(honeypot_of(form)):
            return False
        values = self._checked(form, posted)
        agreed = agreements(form, posted)
        source, key = f"form:{form.id}", self._key(values, agreed, submission)
        given = {"workspace": self.workspace_id, "source": source, "id": key}
        if self.session.execute(KNOWN, given).first() is not None:
            return False
        contact = self._contact(form, values, agreed)
        said = {"consent": "marketing" in agreed, "tracking": "tracking" in agreed}
        data = {"form_id": str(form.id), "fields": values} | said
        (event,) = receive(
            self.services, [Event(self.workspace_id, EVENT, contact, data, source, source_id=key)]
        )
        self.services.nudge("route")
        return event is not None

    def _key(self, values: Mapping[str, Any], agreed: Collection[str], submission: str) -> str:
        """The page's own number; a snippet has none, there the same answers within a short time are one."""
        if parse_id(submission) is not None:
            return submission.lower()
        bucket = int(self.clock.now().timestamp()) // BUCKET
        said = orjson.dumps([bucket, values, sorted(agreed)], option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(said).hexdigest()

    def _checked(self, form: Form, posted: Mapping[str, str]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        wrong: dict[str, list[str]] = {}
        for field in form.fields:
            name, kind = field["name"], field["kind"]
            value = posted.get(name, "").strip()
            if kind == "check":
                values[name] = bool(value)
            elif value:
                values[name] = value
            if field["required"] and not value:
                wrong[name] = [_("Please fill this in.")]
            elif "\x00" in value or len(value) > LONGEST.get(kind, USUAL):
                wrong[name] = [_("This is too long, or holds characters that cannot be kept.")]
            elif kind == "choice" and value and value not in field["choices"]:
                wrong[name] = [_("Please choose one of these.")]
        if "email" in values and "email" not in wrong:
            try:
                normal_email(values["email"])
            except BadAddress:
                wrong["email"] = [_("This is no email address.")]
        if wrong:
            raise Invalid(details=wrong)
        return values

    def _contact(self, form: Form, values: Mapping[str, Any], agreed: Collection[str]) -> UUID:
        given: dict[str, Any] = {
            name: value for name, value in values.items() if not name.startswith("fields.")
        }
        known = self.services(Fields).types("contact")  # one may have been removed since it was asked for
        custom = {key: values[f"fields.{key}"] for key in known if f"fields.{key}" in values}
        if custom:
            given["fields"] = custom
        if agreed:
            given["consent"] = dict.fromkeys(agreed, "granted") | {"source": f"form: {form.name}"[:200]}
        try:
            return self._upsert(given)
        except Conflict:  # another one with this address came in between; or an external id of somebody else
            given.pop("external_id", None)
            return self._upsert(given)
        except AutoLoopError as error:
            said = {f"fields.{key}" if key in custom else key: found for key, found in error.details.items()}
            raise Invalid(details=said) from None

    def _upsert(self, given: Mapping[str, Any]) -> UUID:
        return self.services(Contacts).upsert(given, source="form")[0].id


def agreements(form: Form, posted: Mapping[str, str]) -> list[str]:
    """What a ticked box agrees to, of the boxes that the form has. One left empty says nothing."""
    boxes = (("consent", form.consent_text, "marketing"), ("tracking", form.tracking_text, "tracking"))
    return [what for name, asked, what in boxes if asked and posted.get(name)]
