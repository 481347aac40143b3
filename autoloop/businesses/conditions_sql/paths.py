"""What `contact.fields.plan` means in SQL: an expression and the kind of value it gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Text, cast, func, literal
from sqlalchemy.dialects.postgresql import JSONB

from autoloop.businesses.models import Business, Contact

__all__ = ["NOTHING", "Value", "value_at"]

# What str.strip() takes away.
WHITE = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"


class Value(NamedTuple):
    """`kind` is text, moment, words (an array of texts), json, group (an object), or nothing."""

    kind: str
    sql: Any = None


NOTHING = Value("nothing")

C, B = Contact, Business

CONTACT: dict[str, Value] = {
    "id": Value("text", cast(C.id, Text)),
    "name": Value("text", func.btrim(C.first_name + " " + C.last_name, WHITE)),
    **{
        name: Value("text", getattr(C, name))
        for name in (
            "email",
            "external_id",
            "first_name",
            "last_name",
            "title",
            "phone",
            "timezone",
            "locale",
            "status",
        )
    },
    "consent": Value("group"),
    "consent.marketing": Value("text", C.consent_marketing),
    "consent.tracking": Value("text", C.consent_tracking),
    "consent.at": Value("moment", C.consent_at),
    "consent.source": Value("text", C.consent_source),
    "topics": Value("words", C.topics),
    "tags": Value("words", C.tags),
    "fields": Value("json", C.fields),
    "created_at": Value("moment", C.created_at),
}
BUSINESS: dict[str, Value] = {
    "id": Value("text", cast(B.id, Text)),
    **{
        name: Value("text", getattr(B, name))
        for name in (
            "name",
            "domain",
            "external_id",
            "email",
            "phone",
            "website",
            "city",
            "country",
            "timezone",
            "status",
        )
    },
    "tags": Value("words", B.tags),
    "fields": Value("json", B.fields),
    "created_at": Value("moment", B.created_at),
}


def value_at(path: Sequence[str]) -> Value:
    """The value at contact.… or business.…; NOTHING where there can be none.

    The same as following keys through the facts that runs see (businesses.services.facts).
    """
    known = CONTACT if path[0] == "contact" else BUSINESS
    rest = list(path[1:])
    if rest[0] == "fields":
        found = known["fields"].sql
        for key in rest[1:]:
            found = found.op("->", return_type=JSONB())(literal(key, Text))
        return Value("json", found)
    return known.get(".".join(rest), NOTHING)
