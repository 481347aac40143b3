"""Telling: journal details, waits and lengths of time as sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from translationstring import TranslationString

from autoloop.base.i18n import _

__all__ = ["because", "moment", "reasons", "translated", "waits_for"]

Words = Any  # a TranslationString or a text


def translated(value: Any, translate: Callable[[Any], str] | None = None) -> Any:
    """The same data with each sentence in the language of `translate`; in English without."""
    if isinstance(value, TranslationString):
        parts = {key: translated(each, translate) for key, each in (value.mapping or {}).items()}
        whole = TranslationString(
            str(value), domain=value.domain, default=value.default, mapping=parts, context=value.context
        )
        return translate(whole) if translate else whole.interpolate()
    if isinstance(value, Mapping):
        return {key: translated(each, translate) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [translated(each, translate) for each in value]
    return value


def moment(at: datetime | str | None) -> str:
    """A moment to the minute, in UTC."""
    if at is None:
        return ""
    if isinstance(at, str):
        at = datetime.fromisoformat(at)
    return f"{at:%Y-%m-%d %H:%M} UTC"


def reasons(detail: Any) -> list[Words]:
    """What decided, one entry each, from the detail of a journal's line."""
    why = detail.get("why", detail) if isinstance(detail, Mapping) else detail
    if why is None or why == {}:
        return []
    if isinstance(why, list):
        return [_asked(each) for each in _leaves(why)]
    if isinstance(why, Mapping):
        leaves = list(_leaves([why]))
        return [_asked(each) for each in leaves] if leaves else [_short(why)]
    return [str(why)]


def _leaves(trail: Any) -> Iterator[Mapping[str, Any]]:
    """The single questions of a trail, also where groups hold groups."""
    for each in trail if isinstance(trail, list) else [trail]:
        if not isinstance(each, Mapping):
            continue
        below = next((each[key] for key in ("all", "any", "none", "of", "not") if key in each), None)
        if below is not None:
            yield from _leaves(below)
        elif "op" in each or "answer" in each:
            yield each


def _asked(each: Mapping[str, Any]) -> Words:
    kinds = ("field", "event", "segment", "email")
    kind = next((key for key in kinds if each.get(key)), "field")
    subject = str(each.get(kind) or "")
    wanted = f" {_short(each['value'])}" if each.get("value") is not None else ""
    parts = {
        "what": subject if kind == "field" else f"{kind} {subject}",
        "op": str(each.get("op") or "").replace("_", " "),
        "value": wanted,
        "found": _short(each.get("found")),
        "answer": _("yes") if each.get("answer") else _("no"),
    }
    return _("${what} ${op}${value}: ${answer} (found ${found})", mapping=parts)


def _short(value: Any) -> str:
    if value is None or value == "":
        return "–"
    return str(value)[:200]


def because(sentence: Words, detail: Any) -> Words:
    """A sentence with its reasons behind it."""
    found = reasons(detail)
    if not found:
        return sentence
    joined: Words = found[0]
    for each in found[1:10]:
        joined = _("${one}; ${other}", mapping={"one": joined, "other": each})
    return _("${what}, because ${why}", mapping={"what": sentence, "why": joined})


def waits_for(wait: Mapping[str, Any] | None, match: Mapping[str, Any] | None = None) -> Words:
    """What a position waits for and until when."""
    if wait is None:
        return _("is due now")
    kind, until = wait.get("kind"), moment(wait.get("until"))
    if kind == "event":
        what: Words = _("waits for the event ${event}", mapping={"event": wait.get("event") or ""})
        if match:
            what = _("${what} with ${match}", mapping={"what": what, "match": _short(dict(match))})
    else:
        what = {
            "timer": _("waits for its time"),
            "retry": _("waits to try again"),
            "email": _("waits to hear what became of its email"),
            "action": _("waits for an answer from outside"),
            "child": _("waits for a run that it started"),
            "merge": _("waits for its other ways to arrive"),
        }.get(str(kind), _("waits for ${kind}", mapping={"kind": str(kind)}))
    if not until:
        return what
    if kind in ("timer", "retry"):
        return _("waits until ${until}", mapping={"until": until})
    return _("${what}, until ${until} at most", mapping={"what": what, "until": until})
