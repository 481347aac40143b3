"""Fill a template version for one person. Pure: the same version, context and moment give the same bytes.

A contact's data goes in as values and comes out escaped for its place; it is never read as Liquid.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from html import escape
from typing import Any, Protocol

from autoloop.base.liquid import HEADER, HTML, TEXT, Profile, Template, TemplateInvalid, parse
from autoloop.mail.templates.plaintext import text_of, tidy
from autoloop.mail.templates.source import PREHEADER

__all__ = [
    "ROOTS",
    "MergeField",
    "Problem",
    "Rendered",
    "check",
    "context_for",
    "fields_read",
    "missing",
    "render",
    "would_skip",
]

ROOTS = ("contact", "business", "sender", "workspace", "event", "run")
"""What a template may read. `event` and `run` are only known when a workflow runs."""

_LATER = ("event", "run")

_HIDDEN = (
    '<div style="display:none;max-height:0;overflow:hidden;mso-hide:all;font-size:1px;line-height:1px;opacity:0">'
    "{text}{filler}</div>"
)
# Keeps mail readers from filling the preview line with the first words of the body.
_FILLER = "&#847;&zwnj;&nbsp;" * 40


NOT_INLINED = (
    "The style sheets stay at the top of the mail and not in its elements: tags of Liquid open and close elements "
    "across each other, or it holds SVG, or has too many rules. Readers that remove style sheets show it plain."
)


class Version(Protocol):
    """What rendering reads of a version, or of a draft that has no number yet."""

    subject: str
    preheader: str
    compiled: dict[str, Any]
    field_rules: dict[str, Any]


class Marks(Protocol):
    """The HTML of a version with marks around its links (`tracking.filling`)."""

    source: str

    def plain(self, marked: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Rendered:
    """A filled template. `missing` are the fields that were to be shown and had no value."""

    subject: str
    preheader: str
    html: str
    text: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MergeField:
    """One field that a version reads. `default` if every place that shows it has a default of its own."""

    path: str
    shown: bool
    default: bool
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to know before sending. `kind` is unknown, empty, later or broken."""

    kind: str
    field: str
    rule: str
    message: str


@lru_cache(maxsize=128)
def _parsed(source: str, profile: Profile) -> Template:
    return parse(source, profile)


def _parts(version: Version, marks: Marks | None = None) -> Iterator[tuple[str, Template]]:
    yield "subject", _parsed(version.subject, HEADER)
    if version.preheader:
        yield "preheader", _parsed(version.preheader, HEADER)
    yield "html", _parsed(version.compiled["html"] if marks is None else marks.source, HTML)
    if version.compiled["text"] is not None:
        yield "text", _parsed(version.compiled["text"], TEXT)


def render(
    version: Version, context: Mapping[str, Any], now: datetime | None = None, marks: Marks | None = None
) -> Rendered:
    """Subject, preheader, HTML and text for this context.

    Without `now`, the moment that `context_for` noted in the context is used. With `marks`, the HTML comes
    with them.

    :raises TemplateInvalid: when the template costs too much or cannot be worked out for this data.
    """
    moment = now or _moment(context)
    fallbacks = {
        path: rule["value"] for path, rule in version.field_rules.items() if rule["rule"] == "fallback"
    }
    made: dict[str, str] = {}
    empty: dict[str, None] = {}
    for place, template in _parts(version, marks):
        rendering = template.run(context, moment, fallbacks)
        made[place] = rendering.text
        empty.update(dict.fromkeys(rendering.missing))
    preheader = made.get("preheader", "")
    hidden = _HIDDEN.format(text=escape(preheader), filler=_FILLER) if preheader else ""
    html = made["html"].replace(PREHEADER, hidden, 1)
    if "text" in made:
        text = made["text"]
    else:
        text = text_of(made["html"] if marks is None else marks.plain(made["html"]))
    if version.compiled["text_derived"]:
        text = tidy(text)
    return Rendered(made["subject"], preheader, html, text, tuple(empty))


def _moment(context: Mapping[str, Any]) -> datetime | None:
    noted = context.get("now")
    if isinstance(noted, str):
        try:
            return datetime.fromisoformat(noted)
        except ValueError:
            return None
    return noted if isinstance(noted, datetime) else None


def fields_read(version: Version) -> list[MergeField]:
    """The merge fields of all parts, in the order they first appear."""
    found: dict[str, MergeField] = {}
    for place, template in _parts(version):
        for each in template.fields():
            before = found.get(each.path, MergeField(each.path, shown=False, default=True, places=()))
            places = before.places if place in before.places else (*before.places, place)
            found[each.path] = MergeField(
                each.path, before.shown or each.shown, before.default and each.default, places
            )
    return list(found.values())


def context_for(version: Version, data: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What an intent keeps: only the fields this version reads, and the moment."""
    kept: dict[str, Any] = {"now": now.isoformat()}
    for each in fields_read(version):
        _copy(data, kept, each.path.split("."))
    return kept


def _copy(data: Any, kept: dict[str, Any], path: list[str]) -> None:
    name, rest = path[0], path[1:]
    if not isinstance(data, Mapping) or name not in data:
        return
    value = data[name]
    if not rest or not isinstance(value, Mapping) or rest[0] not in value:
        if rest and isinstance(value, Mapping):
            kept.setdefault(name, {})
        else:
            kept[name] = value
        return
    below = kept.setdefault(name, {})
    if isinstance(below, dict):
        _copy(value, below, rest)


def missing(version: Version, context: Mapping[str, Any]) -> tuple[bool, list[str]]:
    """Whether this send is to be skipped, and the fields that have no value for this person.

    A field with the rule “send” is listed, but does not skip; one with a fallback is not listed.

    :raises TemplateInvalid: as `render`.
    """
    fields = list(render(version, context).missing)
    return any(_rule(version, path) == "skip" for path in fields), fields


def would_skip(version: Version, context: Mapping[str, Any]) -> bool:
    """Whether this person would not be mailed, as far as can be known before a workflow runs."""
    try:
        empty = render(version, context).missing
    except TemplateInvalid:
        return True
    return any(_rule(version, path) == "skip" and path.split(".")[0] not in _LATER for path in empty)


def _rule(version: Version, path: str) -> str:
    return str(version.field_rules.get(path, {}).get("rule", "skip"))


def check(version: Version, context: Mapping[str, Any] | None = None) -> list[Problem]:
    """What would be wrong with a send; with a context, for that person."""
    problems = list(_unknown(version, fields_read(version), context))
    if version.compiled.get("inlined") is False:
        problems.append(Problem("styles", "", "", NOT_INLINED))
    known = {problem.field for problem in problems}
    if context is not None:
        try:
            empty = render(version, context).missing
        except TemplateInvalid as error:
            return [*problems, Problem("broken", "", "", error.message)]
        problems += [_empty(version, path) for path in empty if path not in known]
    return problems


def _unknown(
    version: Version, fields: Iterable[MergeField], context: Mapping[str, Any] | None
) -> Iterator[Problem]:
    for each in fields:
        root, *rest = each.path.split(".")
        rule = _rule(version, each.path)
        if root not in ROOTS:
            known = ", ".join(ROOTS)
            yield Problem(
                "unknown", each.path, rule, f"“{each.path}” is not known. Fields start with one of: {known}."
            )
        elif root in _LATER:
            if each.shown and not each.default:
                yield Problem("later", each.path, rule, f"“{each.path}” is only known when a workflow runs.")
        elif context is not None and rest and not _has(context.get(root), rest):
            yield Problem("unknown", each.path, rule, f"There is no field “{each.path}”.")


def _has(value: Any, path: list[str]) -> bool:
    if value is None or path[0] == "fields":
        return True  # no business, or a custom field that this person lacks: empty, not unknown
    for name in path:
        if not isinstance(value, Mapping):
            return True
        if name not in value:
            return name in ("size", "first")
        value = value[name]
    return True


def _empty(version: Version, path: str) -> Problem:
    rule = _rule(version, path)
    then = "this person would not be mailed" if rule == "skip" else "the mail would go out with a gap"
    return Problem("empty", path, rule, f"“{path}” is empty here: {then}.")
