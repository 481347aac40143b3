"""Shapes of custom fields, tags and topics."""

from __future__ import annotations

import colander

from autoloop.base.i18n import _
from autoloop.businesses.models import FIELD_KINDS, FIELD_TARGETS
from autoloop.businesses.schemas.nodes import Words, choice, flag, moment, number, text
from autoloop.web.input import ListQuery

__all__ = [
    "FieldIn",
    "FieldOut",
    "FieldPatch",
    "FieldQuery",
    "TagIn",
    "TagOut",
    "TagPatch",
    "TopicIn",
    "TopicOut",
    "TopicPatch",
]

KEY = colander.Regex(
    r"^[a-z][a-z0-9_]{0,62}\Z", msg=_("Lower-case letters, digits and _; begins with a letter.")
)


def key() -> colander.SchemaNode:
    return colander.SchemaNode(colander.String(), title=_("Key"), validator=KEY)


class FieldPatch(colander.MappingSchema):
    title = text(_("Title"), 100, missing=colander.drop)
    position = number(_("Position"), validator=colander.Range(0, 10_000), missing=colander.drop)
    choices = Words(title=_("Choices"), validator=colander.Length(max=200), missing=colander.drop)


class FieldIn(colander.MappingSchema):
    target = choice(_("Of"), FIELD_TARGETS, missing="contact")
    key = key()
    title = text(_("Title"), 100)
    kind = choice(_("Kind"), FIELD_KINDS, missing="text")
    choices = Words(title=_("Choices"), validator=colander.Length(max=200), missing=())


class FieldOut(colander.MappingSchema):
    id = text("Id")
    target = text("contact or business")
    key = text("Key: contact.fields.<key> in templates and conditions")
    title = text("Title")
    kind = text("Kind")
    choices = Words(title="Choices")
    position = number("Position")
    created_at = moment("Made")
    updated_at = moment("Changed")


class FieldQuery(ListQuery):
    target = choice(_("Of"), FIELD_TARGETS, missing=None)


def color(**options: object) -> colander.SchemaNode:
    return colander.SchemaNode(
        colander.String(allow_empty=True),
        title=_("Colour"),
        validator=colander.Regex(r"^[a-z]{0,20}\Z", msg=_("The name of a colour")),
        **options,
    )


class TagIn(colander.MappingSchema):
    name = text(_("Name"), 100)
    color = color(missing="")


class TagPatch(colander.MappingSchema):
    name = text(_("Name"), 100, missing=colander.drop)
    color = color(missing=colander.drop)


class TagOut(colander.MappingSchema):
    id = text("Id")
    name = text("Name")
    color = text("Colour")
    created_at = moment("Made")
    updated_at = moment("Changed")


class TopicIn(colander.MappingSchema):
    key = key()
    name = text(_("Name"), 100)
    description = text(_("Description"), 1000, empty=True, missing="")
    is_public = flag(_("Shown to people who choose what they get"), missing=True)


class TopicPatch(colander.MappingSchema):
    name = text(_("Name"), 100, missing=colander.drop)
    description = text(_("Description"), 1000, empty=True)
    is_public = flag(_("Shown to people who choose what they get"), missing=colander.drop)


class TopicOut(colander.MappingSchema):
    id = text("Id")
    key = text("Key, which never changes")
    name = text("Name")
    description = text("Description")
    is_public = flag("Shown to people who choose what they get")
    created_at = moment("Made")
    updated_at = moment("Changed")
