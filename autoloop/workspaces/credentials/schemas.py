"""Shapes of credentials, in and out. What goes in as a secret never comes out."""

from __future__ import annotations

from typing import Any

import colander

from autoloop.base.i18n import _
from autoloop.workspaces.credentials.kinds import KINDS

__all__ = ["ChangeCredential", "CreateCredential", "CredentialOut", "KindOut"]


def _text(title: Any, most: int = 200, **options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.String(), title=title, validator=colander.Length(max=most), **options)


def _data(title: Any, **options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.Mapping(unknown="preserve"), title=title, **options)


class CreateCredential(colander.MappingSchema):
    name = _text(_("Name"), 120)
    kind = colander.SchemaNode(colander.String(), title=_("Kind"), validator=colander.OneOf(list(KINDS)))
    data = _data(_("Its parts, as the kind asks for them"))


class ChangeCredential(colander.MappingSchema):
    name = _text(_("Name"), 120, missing=colander.drop)
    data = _data(_("Its parts; secret ones that are left out stay"), missing=colander.drop)


class CredentialOut(colander.MappingSchema):
    id = _text("Id")
    name = _text("Name")
    kind = _text("Kind")
    config = _data("The parts that are no secret")
    last_used_at = colander.SchemaNode(
        colander.DateTime(), title="When a step last used it, to the minute", missing=None
    )
    created_at = colander.SchemaNode(colander.DateTime(), title="Made")
    updated_at = colander.SchemaNode(colander.DateTime(), title="Changed")


class KindOut(colander.MappingSchema):
    name = _text("Name")
    title = _text("Title")
    config = _data("Its parts as JSON Schema")
    secrets = colander.SchemaNode(
        colander.Sequence(), colander.SchemaNode(colander.String(), name="name"), title="Which are secret"
    )
