"""What a question may be about, here: fields with their kinds, emails, events, and what a run knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autoloop.base.i18n import _
from autoloop.businesses.models import BUSINESS_STATUSES, CONSENTS, CONTACT_STATUSES
from autoloop.businesses.questions.words import OWN
from autoloop.businesses.services import Fields, Tags
from autoloop.plugins.conditions import FIELD_OPERATORS
from autoloop.plugins.conditions.compiled import EMAIL_EVENTS
from autoloop.web.widgets import Form

__all__ = ["EVENT", "PATH", "Known", "known_to"]

EVENT, PATH = "event", "path"
MOST_WORDS = 200
WORDS = {
    "contact.status": CONTACT_STATUSES,
    "contact.consent.marketing": CONSENTS,
    "contact.consent.tracking": CONSENTS,
    "business.status": BUSINESS_STATUSES,
}
LISTS = ("contact.tags", "contact.topics", "business.tags")
DATES = ("contact.created_at",)
SETS = ("exists", "missing")
OPERATORS = {
    "text": (
        "is",
        "is_not",
        "contains",
        "not_contains",
        "starts_with",
        "ends_with",
        "in",
        "not_in",
        *SETS,
    ),
    "number": ("is", "is_not", "gt", "gte", "lt", "lte", "in", "not_in", *SETS),
    "boolean": ("is", "is_not", *SETS),
    "date": ("before", "after", "within_days", "older_than_days", "in_next_days", *SETS),
    "list": ("has", "has_not", *SETS),
    "choice": ("is", "is_not", "in", "not_in", *SETS),
}


@dataclass(frozen=True)
class Known:
    """`groups` lists what may be asked about, under headings; `kinds` and `words` are by path."""

    groups: list[tuple[str, Mapping[str, str]]]
    kinds: Mapping[str, str]
    words: Mapping[str, tuple[str, ...]]
    of_sets: bool

    @property
    def abouts(self) -> set[str]:
        return {key for _title, entries in self.groups for key in entries}

    def kind(self, path: str) -> str:
        """text, number, boolean, date, list, choice; empty for what only a run can tell."""
        if path in self.kinds:
            return self.kinds[path]
        if path in LISTS:
            return "list"
        if path in DATES:
            return "date"
        return "choice" if path in WORDS else "text" if path in OWN else ""

    def operators(self, path: str, chosen: str = "") -> list[str]:
        """Those that make sense for the field, and the one that is set."""
        found = list(OPERATORS.get(self.kind(path), tuple(FIELD_OPERATORS)))
        return found if chosen in found or chosen not in FIELD_OPERATORS else [*found, chosen]


def known_to(form: Form, roots: tuple[str, ...]) -> Known:
    """What conditions with these roots may ask about; read once for a request."""
    held: dict[Any, Known] = form.request.__dict__.setdefault("widget_questions", {})
    of_sets = bool(form.room.get("of_sets"))
    if (roots, of_sets) not in held:
        held[roots, of_sets] = _read(form, roots, of_sets)
    return held[roots, of_sets]


def _read(form: Form, roots: tuple[str, ...], of_sets: bool) -> Known:
    fields = form.request.services(Fields)
    kinds: dict[str, str] = {}
    words: dict[str, tuple[str, ...]] = dict(WORDS)
    custom: dict[str, str] = {}
    groups: list[tuple[str, Mapping[str, str]]] = []
    if "contact" in roots:
        for target in ("contact", "business"):
            for key, each in fields.types(target).items():
                path = f"{target}.fields.{key}"
                kinds[path] = each.kind
                words[path] = tuple(each.choices)
        custom = {
            (key if key.startswith("business.") else f"contact.{key}"): _titled(key, title)
            for key, title in fields.titles().items()
        }
        tags = tuple(form.request.services(Tags).names()[:MOST_WORDS])
        words |= {"contact.tags": tags, "business.tags": tags}
        emails = {
            f"email.{fate}": _("Email ${fate}", mapping={"fate": fate}).interpolate() for fate in EMAIL_EVENTS
        }
        groups = [
            (_("What is known"), OWN),
            (_("Custom fields"), custom),
            (_("Emails of the last 90 days"), emails),
            (_("Events of the last 90 days"), {EVENT: _("An event, by its name")}),
        ]
    if not of_sets:
        run = {
            path: path
            for path in form.room.get("paths", ())
            if path.partition(".")[0] in roots and path.partition(".")[0] not in ("contact", "business")
        }
        named = _("Something else, by its path")
        groups.append((_("What this run knows"), {**run, PATH: named}))
    return Known(groups, kinds, words, of_sets)


def _titled(key: str, title: str) -> str:
    return (str(_("Business: ")) if key.startswith("business.") else "") + title
