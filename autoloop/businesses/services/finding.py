"""Another contact for a step that asks: one at a time, as plain data, of its own workspace only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from sqlalchemy import text

from autoloop.businesses.addresses import BadAddress, normal_email
from autoloop.businesses.services.facts import load_contacts, load_field_kinds
from autoloop.businesses.values import FieldType

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["find_contact"]

# As the worker, under whose policy `fields @>` keeps its index; the workspace is in each condition.
BY = {
    "email": text("select id from business_contacts where workspace_id = :w and email_normal = :v limit 1"),
    "external_id": text(
        "select id from business_contacts where workspace_id = :w and external_id = :v limit 1"
    ),
    "field": text("""
        select id from business_contacts where workspace_id = :w and fields @> cast(:v as jsonb)
        order by id limit 1"""),
}


def find_contact(runtime: Runtime, workspace_id: UUID, by: str, value: Any) -> dict[str, Any] | None:
    """The contact known by `email`, `external_id` or `fields.<key>`, the oldest of several; None if there is none.

    {"contact": {…}, "business": {…} or None}, as steps see their own. Raises ValueError for a field that
    the workspace does not have, or a value that the field cannot hold.
    """
    with runtime.unit("worker") as services:
        how, given = by, str(value).strip()
        if by == "email":
            try:
                given = normal_email(given)[1]
            except BadAddress:
                return None
        elif by.startswith("fields."):
            how, given = "field", _held(services, workspace_id, by[7:], value)
        id = services.session.execute(BY[how], {"w": workspace_id, "v": given.replace("\0", "")}).scalar()
        return load_contacts(services, [(workspace_id, id)]).get(id) if id is not None else None


def _held(services: Any, workspace_id: UUID, key: str, value: Any) -> str:
    kind = load_field_kinds(services, [workspace_id])[workspace_id]["contact"].get(key)
    if kind is None:
        raise ValueError(f"there is no custom field “{key}”")
    return orjson.dumps({key: FieldType(kind["kind"], tuple(kind["choices"]))(value)}).decode()
