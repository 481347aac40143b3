"""What comes in: JSON bodies and query strings, through their schemas and no further."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from math import isfinite
from typing import Any
from urllib.parse import unquote_to_bytes

import colander
from pyramid.config import Configurator
from pyramid.events import ContextFound
from pyramid.request import Request

from autoloop.base.errors import Invalid, TooLarge, UnsupportedMedia
from autoloop.plugins.forms import misfit, plain_words
from autoloop.plugins.leaves import leaves

__all__ = ["MAX_LIMIT", "ListQuery", "checked", "read_body", "read_query", "strict_json"]

FORM = "application/x-www-form-urlencoded"
FORM_WITH_FILES = "multipart/form-data"
MAX_LIMIT = 200
DEFAULT_LIMIT = 50


class ListQuery(colander.MappingSchema):
    """What every list takes. Lists add their typed filters by inheriting from it."""

    q = colander.SchemaNode(
        colander.String(), missing=None, validator=colander.Length(max=200), description="Search words"
    )
    sort = colander.SchemaNode(
        colander.String(),
        missing=None,
        validator=colander.Length(max=60),
        description="Field to sort by; “-field” for descending",
    )
    limit = colander.SchemaNode(
        colander.Integer(),
        missing=DEFAULT_LIMIT,
        validator=colander.Range(1, MAX_LIMIT),
        description="Rows per page",
    )
    cursor = colander.SchemaNode(
        colander.String(),
        missing=None,
        validator=colander.Length(max=1000),
        description="`page.next` of the page before",
    )


def checked(schema: colander.Schema, given: Any, *, partial: bool = False) -> dict[str, Any]:
    """What was given, through its schema. Raises Invalid with a message for each field.

    Unknown fields are refused, NUL characters too (PostgreSQL cannot hold them). What was omitted is
    not in the result unless the schema has a default for it.
    """
    if not isinstance(given, dict):
        raise Invalid("Send a JSON object.", code="NOT_AN_OBJECT")
    unknown = _unknown(schema, given, "")
    if unknown:
        raise Invalid(details=unknown)
    try:
        result: dict[str, Any] = schema.deserialize(given)
    except colander.Invalid as error:
        raise Invalid(
            details={
                field.removeprefix("."): [plain_words(str(message))]
                for field, message in error.asdict().items()
            }
        ) from None
    except (TypeError, ValueError, OverflowError, RecursionError):
        raise Invalid("Some of what was sent has the wrong type.") from None
    faults = {place: [fault] for place, value in leaves(result) if (fault := _fault(value))}
    if faults:
        raise Invalid(details=faults)
    return result


def _fault(value: Any) -> str | None:
    """What is wrong with a value that its type took: the database would keep it, and nobody could use it."""
    if isinstance(value, float) and not isfinite(value):
        return "Must be a number."
    if isinstance(value, datetime) and value.tzinfo is not None:
        try:
            value.astimezone(UTC)
        except OverflowError:
            return "Must lie between the years 1 and 9999."
    return None


def _unknown(schema: colander.SchemaNode, given: Any, prefix: str) -> dict[str, list[str]]:
    if isinstance(given, str) and "\x00" in given:
        return {prefix or "body": ["Must not hold NUL characters."]}
    if isinstance(schema.typ, colander.Mapping) and isinstance(given, dict):
        found: dict[str, list[str]] = {}
        known = {child.name: child for child in schema.children}
        for key, value in given.items():
            path = f"{prefix}.{key}" if prefix else str(key)
            if key in known:
                found |= _unknown(known[key], value, path)
            elif schema.typ.unknown != "preserve":
                found[path[:200]] = ["There is no such field."]
            else:
                found |= _nul_anywhere(value, path)
        return found
    if isinstance(schema.typ, colander.Sequence) and isinstance(given, list) and schema.children:
        found = {}
        for index, value in enumerate(given):
            found |= _unknown(schema.children[0], value, f"{prefix}.{index}")
        return found
    if type(schema.typ) is colander.String and given is not None and not isinstance(given, str) and not given:
        return {prefix: ["Must be a text."]}  # colander takes {}, [], 0 and false for one that was left out
    if given is not None and (said := misfit(schema.typ, given)):
        return {prefix: [f"{said[0].upper()}{said[1:]}."]}
    return _nul_anywhere(given, prefix)


def _nul_anywhere(value: Any, path: str) -> dict[str, list[str]]:
    rest = [value]
    while rest:
        each = rest.pop()
        if isinstance(each, str):
            if "\x00" in each:
                return {path or "body": ["Must not hold NUL characters."]}
        elif isinstance(each, dict):
            rest += [*each, *each.values()]
        elif isinstance(each, list):
            rest += each
    return {}


def read_body(request: Request, schema: colander.Schema) -> dict[str, Any]:
    """The request's JSON body through the schema."""
    if request.content_type not in ("application/json", ""):
        raise UnsupportedMedia
    return checked(schema, parse_json(_bounded(request)))


def attempts(request: Request) -> int | None:
    """How often this request may be tried, for pyramid_retry; None for the usual.

    Whatever may be repeated has its body copied to the disk before anything looks at it: not one that is refused.
    """
    return 1 if too_large(request) else None


def too_large(request: Request) -> TooLarge | None:
    """The refusal of a body that no address takes, before it is read."""
    most = _largest(request)
    if (request.content_length or 0) <= most:
        return None
    return TooLarge(f"A request may have {most:,} octets at the most.")


def _largest(request: Request) -> int:
    settings = request.runtime.settings
    return max(int(settings.import_file_mb), int(settings.request_body_mb)) * 1_000_000 + 1_000_000


def _bounded(request: Request) -> bytes:
    limit = request.runtime.settings.request_body_mb * 1_000_000
    if (request.content_length or 0) > limit or len(request.body) > limit:
        raise TooLarge(f"A request's body may have {limit:,} octets at the most.")
    raw: bytes = request.body
    return raw


def check_form(event: ContextFound) -> None:
    """A form is of bounded size and UTF-8: WebOb would put U+FFFD where it is not, and we would keep it."""
    request = event.request
    if request.method != "POST":
        return
    if request.content_type == FORM:
        try:
            unquote_to_bytes(_bounded(request)).decode()
        except UnicodeDecodeError:
            raise Invalid("This form is not UTF-8.", code="BAD_ENCODING") from None
    elif request.content_type == FORM_WITH_FILES:
        most = request.runtime.settings.import_file_mb * 1_000_000 + 1_000_000
        if (request.content_length or 0) > most:
            raise TooLarge(f"A form with files may have {most:,} octets at the most.")
        try:
            request.POST  # noqa: B018 - reading parses
        except ValueError as error:
            raise Invalid(f"This form cannot be read: {error}", code="BAD_FORM") from None


def includeme(config: Configurator) -> None:
    config.add_subscriber(check_form, ContextFound)


def strict_json(raw: bytes | str) -> Any:
    """JSON without NaN and doubled keys. Raises ValueError, and RecursionError for what is too deep."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            raise ValueError("an object has a key twice")
        return result

    def no_constant(name: str) -> None:
        raise ValueError(f"{name} is no JSON")

    return json.loads(raw, object_pairs_hook=unique, parse_constant=no_constant)


def parse_json(raw: bytes) -> Any:
    """A body: strict JSON without lone surrogates; an empty one is an empty object. Raises Invalid."""
    try:
        value = strict_json(raw or b"{}")
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Invalid(f"The body is not JSON that can be used: {error}", code="BAD_JSON") from None
    return value


def read_query(request: Request, schema: colander.Schema | None, *, many: bool) -> dict[str, Any]:
    """The query string through its schema. Lists without a schema of their own take ListQuery."""
    if schema is None:
        schema = ListQuery() if many else colander.MappingSchema()
    given = {key: value for key, value in request.GET.items() if value != ""}
    return checked(schema, given)
