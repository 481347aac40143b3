"""Shapes of notifications, in and out."""

from __future__ import annotations

from typing import Any

import colander

from autoloop.base.i18n import _
from autoloop.base.ids import parse_id
from autoloop.web.input import ListQuery

__all__ = ["MarkRead", "MarkedOut", "NotificationOut", "NotificationsQuery", "Preference"]


class Id(colander.SchemaType):  # type: ignore[misc]
    """A uuid in canonical form."""

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if cstruct is colander.null:
            return cstruct
        found = parse_id(cstruct) if isinstance(cstruct, str) else None
        if found is None:
            raise colander.Invalid(node, _("This is no id."))
        return found


YES_OR_NO = colander.Boolean(true_choices=("true", "1"), false_choices=("false", "0"))


class Ids(colander.SequenceSchema):
    id = colander.SchemaNode(Id())


class NotificationsQuery(ListQuery):
    unread = colander.SchemaNode(YES_OR_NO, title=_("Only unread ones"), missing=False)


class MarkRead(colander.MappingSchema):
    ids = Ids(title=_("Which; all if left out"), validator=colander.Length(max=200), missing=None)


class MarkedOut(colander.MappingSchema):
    marked = colander.SchemaNode(colander.Integer(), title="How many were not read yet")


class Preference(colander.MappingSchema):
    mail = colander.SchemaNode(YES_OR_NO, title=_("Send notifications by mail too"))


class NotificationOut(colander.MappingSchema):
    id = colander.SchemaNode(colander.String(), title="Id")
    title = colander.SchemaNode(colander.String(), title="Title")
    body = colander.SchemaNode(colander.String(), title="Text")
    contact_id = colander.SchemaNode(colander.String(), title="The contact it is about", missing=None)
    read_at = colander.SchemaNode(colander.DateTime(), title="When it was read", missing=None)
    created_at = colander.SchemaNode(colander.DateTime(), title="When")
