"""Shapes of accounts, in and out."""

from __future__ import annotations

from typing import Any

import colander

from autoloop.accounts.passwords import MAXIMUM
from autoloop.base.i18n import _

__all__ = [
    "AnyForm",
    "ChangeMe",
    "ChangePassword",
    "MeOut",
    "MethodsOut",
    "SessionOut",
    "SignUp",
    "SignedInOut",
    "language",
    "text",
]


def text(title: Any, most: int = 200, **options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.String(), title=title, validator=colander.Length(max=most), **options)


def language() -> colander.SchemaNode:
    """A language's tag, like de or pt-BR: one of any text would be kept in memory by who looks for translations."""
    shape = colander.Regex(
        r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*\Z", msg=_("Must be a language, like en or pt-BR.")
    )
    title, checks = _("Language"), colander.All(colander.Length(max=20), shape)
    return colander.SchemaNode(colander.String(), title=title, validator=checks, missing=colander.drop)


class AnyForm(colander.MappingSchema):
    """The fields that the method asks for; see the list of methods."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.typ = colander.Mapping(unknown="preserve")


class SignUp(colander.MappingSchema):
    name = text(_("Your name"), 120)
    email = text(_("Email"), 254)
    password = text(_("Password"), MAXIMUM)


class ChangeMe(colander.MappingSchema):
    name = text(_("Your name"), 120, missing=colander.drop)
    timezone = text(_("Time zone"), 60, missing=colander.drop)
    locale = language()


class ChangePassword(colander.MappingSchema):
    current = text(_("Present password"), MAXIMUM)
    password = text(_("New password"), MAXIMUM)


class FieldOut(colander.MappingSchema):
    name = text("Name")
    title = text("Title")
    widget = text("Widget")
    autocomplete = text("Autocomplete")


class Fields(colander.SequenceSchema):
    field = FieldOut()


class MethodOut(colander.MappingSchema):
    name = text("Name")
    title = text("Title")
    icon = text("Icon")
    fields = Fields()


class Methods(colander.SequenceSchema):
    method = MethodOut()


class MethodsOut(colander.MappingSchema):
    methods = Methods()
    sign_up = colander.SchemaNode(colander.Boolean())
    csrf_token = text("CSRF token")


class SignedInOut(colander.MappingSchema):
    session_id = text("Session")
    next = text("Where to go")


class MeOut(colander.MappingSchema):
    id = text("Id")
    name = text("Name")
    email = text("Email")
    is_admin = colander.SchemaNode(colander.Boolean())
    timezone = text("Time zone")
    locale = text("Language")
    signed_in_by = text("session or api_key")
    csrf_token = text("CSRF token for this session; null with a key", missing=None)


class SessionOut(colander.MappingSchema):
    id = text("Id")
    method = text("How the person signed in")
    user_agent = text("Browser")
    address = text("Network address")
    created_at = colander.SchemaNode(colander.DateTime())
    last_seen_at = colander.SchemaNode(colander.DateTime())
    current = colander.SchemaNode(colander.Boolean())
