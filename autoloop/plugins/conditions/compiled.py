"""From JSON to a function: a condition is read once and then only asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from autoloop.plugins.conditions.operators import (
    FIELD_OPERATORS,
    UNKEEPABLE,
    BadCondition,
    check_value,
    contains,
)
from autoloop.plugins.facts import NOTHING, Happening, Known, Needs

__all__ = ["Condition", "compile_condition"]

Trail = list[dict[str, Any]]
Test = Callable[[Known, Trail], bool]

DEEPEST = 10
MOST_LEAVES = 200
MOST_HISTORIES = 20
LARGEST_MATCH = 4_000
REMEMBERED = timedelta(days=90)
"""How far conditions look back at events: what is older counts as never happened."""
ROOTS = ("contact", "business", "event", "variables", "outputs")
EMAIL_EVENTS = ("delivered", "opened", "clicked", "replied", "bounced", "complained", "unsubscribed")
SHOWN = 200


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition ready to be asked. `spec` is the JSON it came from."""

    spec: Mapping[str, Any]
    needs: Needs
    _test: Test

    def test(self, known: Known) -> bool:
        return self._test(known, [])

    def explain(self, known: Known) -> tuple[bool, Trail]:
        """The answer, and each question that decided it: what was asked, found and answered."""
        trail: Trail = []
        return self._test(known, trail), trail


def compile_condition(spec: Any, *, of_sets: bool = False) -> Condition:
    """Read a condition. Raises BadCondition, which says where.

    With `of_sets` it is about contacts outside of any run, as in segments and filters: it cannot ask
    about the event, variables or outputs of a run, and emails are all of the contact's.
    """
    reader = _Reader(of_sets)
    test = reader.read(spec, "", 1)
    return Condition(spec, reader.needs, test)


class _Reader:
    def __init__(self, of_sets: bool) -> None:
        self.needs = NOTHING
        self.leaves = 0
        self.histories = 0
        self.roots = ROOTS[:2] if of_sets else ROOTS
        self.of_sets = of_sets

    def read(self, spec: Any, place: str, depth: int) -> Test:
        if not isinstance(spec, Mapping):
            raise BadCondition(place, "must be an object")
        if depth > DEEPEST:
            raise BadCondition(place, f"is nested deeper than {DEEPEST} groups")
        kinds = [key for key in ("all", "any", "none", "field", "event", "email") if key in spec]
        if len(kinds) != 1:
            raise BadCondition(place, "must hold exactly one of all, any, none, field, event, email")
        kind = kinds[0]
        if kind in ("all", "any", "none"):
            return self._group(kind, spec, place, depth)
        self.leaves += 1
        if self.leaves > MOST_LEAVES:
            raise BadCondition(place, f"holds more than {MOST_LEAVES} questions")
        return {"field": self._field, "event": self._event, "email": self._email}[kind](spec, place)

    def _group(self, kind: str, spec: Mapping[str, Any], place: str, depth: int) -> Test:
        _only(spec, {kind}, place)
        members = spec[kind]
        if not isinstance(members, list | tuple):
            raise BadCondition(_at(place, kind), "must be a list")
        tests = [
            self.read(each, _at(place, f"{kind}.{index}"), depth + 1) for index, each in enumerate(members)
        ]
        if kind == "all":
            return lambda known, trail: all(test(known, trail) for test in tests)
        if kind == "any":
            return lambda known, trail: any(test(known, trail) for test in tests)
        return lambda known, trail: not any(test(known, trail) for test in tests)

    def _field(self, spec: Mapping[str, Any], place: str) -> Test:
        _only(spec, {"field", "op", "value"}, place)
        name, op = spec["field"], spec.get("op", "is")
        path = name.split(".") if isinstance(name, str) else []
        if len(path) < 2 or len(path) > 10 or path[0] not in self.roots or not all(path):
            starts = ", ".join(self.roots)
            raise BadCondition(
                _at(place, "field"), f"must be a path like contact.email; it starts with {starts}"
            )
        if UNKEEPABLE.search(name) or len(name) > 500:
            raise BadCondition(_at(place, "field"), "holds characters that no field has")
        operator = FIELD_OPERATORS.get(op) if isinstance(op, str) else None
        if operator is None:
            raise BadCondition(_at(place, "op"), f"must be one of {', '.join(FIELD_OPERATORS)}")
        wanted = spec.get("value")
        check_value(operator, wanted, _at(place, "value"))
        if path[0] == "contact":
            self.needs |= Needs(contact=True)
        elif path[0] == "business":
            self.needs |= Needs(business=True)
        root, rest, ask = path[0], path[1:], operator.test

        def test(known: Known, trail: Trail) -> bool:
            found = getattr(known, root)
            for key in rest:
                found = found.get(key) if isinstance(found, Mapping) else None
            answer = ask(found, wanted, known.now)
            trail.append({"field": name, "op": op, "value": wanted, "found": _shown(found), "answer": answer})
            return answer

        return test

    def _event(self, spec: Mapping[str, Any], place: str) -> Test:
        _only(spec, {"event", "op", "match", "within_days", "at_least"}, place)
        name = spec["event"]
        if not isinstance(name, str) or not 0 < len(name) <= 100 or UNKEEPABLE.search(name):
            raise BadCondition(_at(place, "event"), "must be the name of an event, like order.paid")
        match = spec.get("match") or {}
        if not isinstance(match, Mapping) or not _plain(match):
            raise BadCondition(
                _at(place, "match"), f"must be a JSON object of at most {LARGEST_MATCH} characters"
            )
        return self._happened(spec, place, name, {"event": name}, lambda _known: match)

    def _email(self, spec: Mapping[str, Any], place: str) -> Test:
        _only(spec, {"email", "op", "node", "of", "within_days", "at_least"}, place)
        fate = spec["email"]
        if fate not in EMAIL_EVENTS:
            raise BadCondition(_at(place, "email"), f"must be one of {', '.join(EMAIL_EVENTS)}")
        of, node = spec.get("of", "contact" if self.of_sets else "run"), spec.get("node")
        if self.of_sets and of == "run":
            raise BadCondition(_at(place, "of"), "must be contact, for there is no run here")
        if of not in ("run", "contact"):
            raise BadCondition(_at(place, "of"), "must be run (mails of this run) or contact (all mails)")
        if node is not None and not isinstance(node, str):
            raise BadCondition(_at(place, "node"), "must be the id of a step")
        if node is not None and UNKEEPABLE.search(node):
            raise BadCondition(_at(place, "node"), "must be the id of a step")
        fixed = {"node": node} if node is not None else {}
        shown = {"email": fate, "of": of, **fixed}
        if of == "run":
            return self._happened(
                spec, place, f"email.{fate}", shown, lambda known: {"run_id": known.run_id, **fixed}
            )
        return self._happened(spec, place, f"email.{fate}", shown, lambda _known: fixed)

    def _happened(
        self,
        spec: Mapping[str, Any],
        place: str,
        name: str,
        shown: Mapping[str, Any],
        match: Callable[[Known], Mapping[str, Any]],
    ) -> Test:
        op = spec.get("op", "happened")
        if op not in ("happened", "never"):
            raise BadCondition(_at(place, "op"), "must be happened or never")
        days, least = spec.get("within_days"), spec.get("at_least", 1)
        if days is not None:
            check_value(FIELD_OPERATORS["within_days"], days, _at(place, "within_days"))
        if not isinstance(least, int) or isinstance(least, bool) or not 1 <= least <= 100:
            raise BadCondition(_at(place, "at_least"), "must be a whole number from 1 to 100")
        self.needs |= Needs(events=frozenset({name}))
        self.histories += 1
        if self.of_sets and self.histories > MOST_HISTORIES:
            raise BadCondition(place, f"asks more than {MOST_HISTORIES} times about events and emails")
        window = REMEMBERED if days is None else min(REMEMBERED, timedelta(days=days))

        def counts(happening: Happening, known: Known) -> bool:
            if happening.name != name or not contains(happening.data, match(known)):
                return False
            return known.now - happening.at <= window

        def test(known: Known, trail: Trail) -> bool:
            count = sum(1 for each in known.happenings if counts(each, known))
            answer = bool((count >= least) == (op == "happened"))
            trail.append({**shown, "op": op, "found": count, "answer": answer})
            return answer

        return test


def _only(spec: Mapping[str, Any], known: set[str], place: str) -> None:
    strange = sorted(str(key) for key in spec if key not in known)
    if strange:
        raise BadCondition(_at(place, strange[0]), "is not known here")


def _plain(match: Any) -> bool:
    try:
        written = json.dumps(match, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return len(written) <= LARGEST_MATCH and "\\u0000" not in written and not UNKEEPABLE.search(written)


def _at(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _shown(found: Any) -> Any:
    if isinstance(found, str) and len(found) > SHOWN:
        return found[:SHOWN] + "…"
    if isinstance(found, list | tuple) and len(found) > 20:
        return [*found[:20], "…"]
    return None if isinstance(found, Mapping) else found
