"""Sets of contacts that enter together: all active ones, a tag's, a segment's; read part by part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.base.ids import parse_id

__all__ = ["FROM_ALL", "LAST", "checked_whom", "chosen_sql", "count", "part"]

CHOICES = {
    "all": "",
    "tag": "and c.tags @> array[cast(:value as text)]",
    "segment": (
        "and exists (select 1 from segment_members m where m.workspace_id = c.workspace_id "
        "and m.segment_id = cast(:value as uuid) and m.contact_id = c.id and m.is_member)"
    ),
}
NAMED = {"contacts": "and c.id = any(cast(:value as uuid[]))"}
FROM_ALL = "from business_contacts c where c.workspace_id = :workspace"
FROM = f"{FROM_ALL} and c.status = 'active'"
LAST = UUID(int=0)


def checked_whom(given: Mapping[str, Any]) -> dict[str, Any]:
    """{"all": true}, {"tag": name} or {"segment": id}, in one form. Raises Invalid."""
    chosen = [name for name in CHOICES if given.get(name)]
    if len(chosen) != 1 or set(given) - set(CHOICES):
        raise Invalid(details={"whom": [_("Give exactly one of all, tag, segment.")]})
    name = chosen[0]
    if name == "all" and given[name] is True:
        return {"all": True}
    if name == "tag" and isinstance(given[name], str) and len(given[name]) <= 100:
        return {"tag": given[name]}
    id = parse_id(given[name]) if name == "segment" and isinstance(given[name], str) else None
    if id is None:
        raise Invalid(details={f"whom.{name}": [_("This cannot be used.")]})
    return {"segment": str(id)}


def count(session: Session, workspace: UUID, whom: Mapping[str, Any], *, active: bool = True) -> int:
    """How many there are; the active ones only, unless told otherwise."""
    choice, values = chosen_sql(workspace, whom)
    found: int = session.execute(
        text(f"select count(*) {FROM if active else FROM_ALL} {choice}"), values
    ).scalar_one()
    return found


def part(
    session: Session, workspace: UUID, whom: Mapping[str, Any], after: UUID | None, most: int
) -> list[UUID]:
    """The next contacts in id order; fewer than `most` says that these are the last."""
    choice, values = chosen_sql(workspace, whom)
    sql = f"select c.id {FROM} {choice} and c.id > :after order by c.id limit {int(most)}"
    return list(session.execute(text(sql), values | {"after": after or LAST}).scalars())


def chosen_sql(workspace: UUID, whom: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """A condition on the contact `c`, with its values. Besides what people may say: {"contacts": [ids]}."""
    ((kind, value),) = whom.items()
    values: dict[str, Any] = {"workspace": workspace}
    return (CHOICES | NAMED)[kind], values if kind == "all" else values | {"value": value}
