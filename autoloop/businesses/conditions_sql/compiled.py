"""A condition as SQL over contacts: who matches, and when an answer changes by time alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, not_, or_, true

from autoloop.base.errors import Invalid
from autoloop.businesses.conditions_sql.history import happened
from autoloop.businesses.conditions_sql.operators import TESTS, changes_after
from autoloop.businesses.conditions_sql.paths import value_at
from autoloop.businesses.models import Business, Contact
from autoloop.plugins.conditions import BadCondition, Condition, compile_condition

__all__ = ["SetCondition", "compile_set", "joined", "read_condition"]


@dataclass(frozen=True, slots=True)
class SetCondition:
    """`matches` is true or false for each contact; `next_change` is null where time changes nothing.

    Both are about Contact and Business, joined by `joined`.
    """

    matches: ColumnElement[bool]
    next_change: Any


def read_condition(spec: Any, field: str = "condition") -> Condition:
    """A condition about sets. Raises Invalid with the place of what is wrong."""
    try:
        return compile_condition(spec, of_sets=True)
    except BadCondition as error:
        place = f"{field}.{error.place}" if error.place else field
        raise Invalid(details={place: [error.message]}) from None


def compile_set(condition: Condition, now: datetime) -> SetCondition:
    """The condition, asked at `now`. Values are bound, never written into the statement."""
    compiler = _Compiler(now)
    matches = compiler.read(condition.spec)
    changes = compiler.changes
    following = None if not changes else changes[0] if len(changes) == 1 else func.least(*changes)
    return SetCondition(matches, following)


def joined(statement: Select[Any]) -> Select[Any]:
    """A statement about contacts, with their businesses beside them."""
    same = and_(Business.workspace_id == Contact.workspace_id, Business.id == Contact.business_id)
    return statement.select_from(Contact).outerjoin(Business, same)


@dataclass
class _Compiler:
    now: datetime
    changes: list[Any] = field(default_factory=list)

    def read(self, spec: Mapping[str, Any]) -> ColumnElement[bool]:
        if "all" in spec:
            return and_(true(), *map(self.read, spec["all"]))
        if "any" in spec:
            return or_(false(), *map(self.read, spec["any"]))
        if "none" in spec:
            return not_(or_(false(), *map(self.read, spec["none"])))
        if "field" in spec:
            return self._field(spec)
        if "event" in spec:
            return self._happened(spec, spec["event"], spec.get("match") or {})
        match = {"node": spec["node"]} if spec.get("node") is not None else {}
        return self._happened(spec, f"email.{spec['email']}", match)

    def _field(self, spec: Mapping[str, Any]) -> ColumnElement[bool]:
        op, wanted = spec.get("op", "is"), spec.get("value")
        value = value_at(spec["field"].split("."))
        self.changes += changes_after(op, value, wanted, self.now)
        return TESTS[op](value, wanted, self.now)

    def _happened(self, spec: Mapping[str, Any], name: str, match: Mapping[str, Any]) -> ColumnElement[bool]:
        answer, ends = happened(name, match, spec.get("within_days"), spec.get("at_least", 1), self.now)
        self.changes.append(ends)
        return answer if spec.get("op", "happened") == "happened" else not_(answer)
