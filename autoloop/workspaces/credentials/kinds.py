"""The kinds of credentials: what each consists of, and which parts of it are secret."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

import colander

from autoloop.base.i18n import _
from autoloop.plugins.forms import FreeMapping, json_schema

__all__ = ["KINDS", "Kind", "kinds", "secret_names"]

TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
TAKEN = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade"})


def _text(title: Any, most: int = 4000, *, secret: bool = False, **options: Any) -> colander.SchemaNode:
    checks = [colander.Length(max=most), *options.pop("checks", ())]
    return colander.SchemaNode(
        colander.String(), title=title, secret=secret, validator=colander.All(*checks), **options
    )


def _one_line(node: colander.SchemaNode, value: str) -> None:
    if not value.isprintable() or not value.isascii():
        raise colander.Invalid(node, _("Only printable letters of ASCII, on one line."))


def _header(node: colander.SchemaNode, value: str) -> None:
    if not TOKEN.match(value) or value.lower() in TAKEN:
        raise colander.Invalid(node, _("This is no header that may be set."))


def _signing(node: colander.SchemaNode, value: str) -> None:
    try:
        octets = len(base64.b64decode(value.removeprefix("whsec_"), validate=True))
    except (binascii.Error, ValueError):
        octets = 0
    if not value.startswith("whsec_") or not 24 <= octets <= 64:
        raise colander.Invalid(node, _("Must be whsec_ and 24 to 64 octets in base64."))


def _texts(node: colander.SchemaNode, value: dict[str, Any]) -> None:
    if not value or not all(isinstance(each, str) and len(each) <= 8000 for each in value.values()):
        raise colander.Invalid(node, _("Must be an object of texts, at least one."))


class Kind(colander.MappingSchema):
    """A kind of credential; `ui` says how a step uses it."""

    label: Any = ""


class Bearer(Kind):
    label = _("Bearer token")
    token = _text(_("Token"), secret=True, checks=[_one_line])


class Basic(Kind):
    label = _("User name and password")
    username = _text(_("User name"), 300)
    password = _text(_("Password"), 1000, secret=True)


class Header(Kind):
    label = _("Header")
    header = _text(_("Name of the header"), 100, checks=[_header])
    value = _text(_("Value"), secret=True, checks=[_one_line])


class Query(Kind):
    label = _("Part of the address")
    parameter = _text(_("Name of the parameter"), 100, checks=[_one_line])
    value = _text(_("Value"), secret=True)


class Signing(Kind):
    label = _("Key that signs webhooks")
    secret = _text(_("Signing key, from whsec_ on"), 200, secret=True, checks=[_signing])


class WhatsApp(Kind):
    label = _("WhatsApp Cloud API")
    phone_number_id = _text(
        _("Phone number id"), 40, checks=[colander.Regex(r"[0-9]+\Z", msg=_("Digits only."))]
    )
    access_token = _text(_("Access token"), secret=True, checks=[_one_line])
    base_url = _text(
        _("Address of the API"),
        300,
        missing="https://graph.facebook.com/v23.0",
        checks=[colander.Regex(r"https?://[^\s?#]+\Z", msg=_("Must be an http address."))],
    )


class Generic(Kind):
    label = _("Other secrets")
    data = colander.SchemaNode(
        FreeMapping(), title=_("Names and values, as JSON"), secret=True, validator=_texts
    )


KINDS: dict[str, type[Kind]] = {
    "bearer": Bearer,
    "basic": Basic,
    "header": Header,
    "query": Query,
    "signing": Signing,
    "whatsapp": WhatsApp,
    "generic": Generic,
}


def secret_names(kind: str) -> set[str]:
    """The parts that are sealed and never shown again."""
    return {child.name for child in KINDS[kind]().children if getattr(child, "secret", False)}


def kinds() -> list[dict[str, Any]]:
    """Every kind: name, title, its parts as JSON Schema, and which of them are secret."""
    return [
        {
            "name": name,
            "title": str(schema.label),
            "config": json_schema(schema()),
            "secrets": sorted(secret_names(name)),
        }
        for name, schema in KINDS.items()
    ]
