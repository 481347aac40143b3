"""Shapes of contacts."""

from __future__ import annotations

from typing import Any

import colander

from autoloop.base.i18n import _
from autoloop.businesses.models import CONSENTS, CONTACT_STATUSES
from autoloop.businesses.schemas.nodes import Words, choice, flag, moment, one_id, text, values
from autoloop.web.input import ListQuery

__all__ = [
    "Consent",
    "ConsentChangeOut",
    "ContactOut",
    "ContactPatch",
    "ContactQuery",
    "ContactRowOut",
    "MergeIn",
    "TagChange",
]


class Consent(colander.MappingSchema):
    """What the person said about marketing mail or tracking, where, and when (now if left out)."""

    marketing = choice(_("Marketing mail"), CONSENTS, missing=None)
    tracking = choice(_("Recording opens and clicks"), CONSENTS, missing=None)
    source = text(_("Where it was said"), 200, missing="api")
    at = moment(_("When"), missing=None)

    def validator(self, node: colander.SchemaNode, value: dict[str, Any]) -> None:
        if value["marketing"] is None and value["tracking"] is None:
            error = colander.Invalid(node)
            error["marketing"] = _("Say what it is about: marketing or tracking.")
            raise error


class ContactPatch(colander.MappingSchema):
    """What may be given of a contact. What is left out stays; an empty text empties."""

    email = text(_("Email"), 320, empty=True)
    external_id = text(_("External id"), empty=True)
    first_name = text(_("First name"), empty=True)
    last_name = text(_("Last name"), empty=True)
    title = text(_("Job title"), empty=True)
    phone = text(_("Phone"), 60, empty=True)
    timezone = text(_("Time zone"), 60, empty=True)
    locale = text(_("Language"), 20, empty=True)
    business_id = one_id(_("Business"), empty=True, missing=colander.drop)
    status = choice(_("Status"), CONTACT_STATUSES, missing=colander.drop)
    consent = Consent(title=_("Consent"), missing=colander.drop)
    tags = Words(title=_("Tags"), validator=colander.Length(max=100), missing=colander.drop)
    topics = Words(title=_("Topics"), validator=colander.Length(max=100), missing=colander.drop)
    fields = values(_("Custom fields"), missing=colander.drop)


class TagChange(colander.MappingSchema):
    """Tags to add and to remove, by name."""

    add = Words(title=_("Add"), validator=colander.Length(max=100), missing=())
    remove = Words(title=_("Remove"), validator=colander.Length(max=100), missing=())


class MergeIn(colander.MappingSchema):
    """The contact to merge with, by its id. The older of the two survives."""

    other = one_id(_("The other contact"))


class ConsentOut(colander.MappingSchema):
    marketing = text("granted, denied or unknown")
    tracking = text("Whether opens and clicks may be recorded: granted, denied or unknown")
    source = text("Where it was said")
    at = moment("When", missing=None)


class ConsentChangeOut(colander.MappingSchema):
    """One thing that was said."""

    id = text("Id")
    what = text("marketing, tracking, unsubscribe, topic, pace (days), language or pause (until)")
    subject = text("The topic's key")
    before = text("What held before", missing=None)
    after = text("What holds from then on", missing=None)
    source = text("Where it was said")
    user_id = text("Who wrote it down, if a member did", missing=None)
    user_name = text("Their name", missing=None)
    from_known_ip = flag("Is a hash of the IP address kept?")
    created_at = moment("When")


class ContactRowOut(colander.MappingSchema):
    """A contact in a list."""

    id = text("Id")
    email = text("Email", missing=None)
    external_id = text("Id in another system", missing=None)
    first_name = text("First name")
    last_name = text("Last name")
    title = text("Job title")
    phone = text("Phone")
    timezone = text("Time zone")
    locale = text("Language")
    status = text("Status")
    business_id = text("Business", missing=None)
    business_name = text("The business's name", missing=None)
    consent = ConsentOut(title="Consent")
    tags = Words(title="Tags")
    topics = Words(title="Topics")
    created_at = moment("Made")
    updated_at = moment("Changed")


class ContactOut(ContactRowOut):
    """A contact."""

    user_id = text("Who made it", missing=None)
    fields = values("Custom fields")


class ContactQuery(ListQuery):
    """Filters of the list of contacts."""

    status = choice(_("Status"), CONTACT_STATUSES, missing=None)
    consent = choice(_("Marketing consent"), CONSENTS, missing=None)
    tag = text(_("Tag"), 100, missing=None)
    topic = text(_("Topic"), 63, missing=None)
    business = one_id(_("Business"), missing=None)
    email = text(_("Exact email address"), 320, missing=None)
    external_id = text(_("External id"), missing=None)
    field = text(_("Custom field, as key:value"), 300, missing=None)
    segment = one_id(_("Segment"), missing=None)
    filter = text(_("A condition, as JSON"), 8000, missing=None)
