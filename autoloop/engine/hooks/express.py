"""The short way: deliveries for contacts that are known and stay as they are, written in one trip to the database.

Whatever is not plain (an unknown contact, values that it has otherwise, a repetition, a webhook that was changed
meanwhile) is left to `accepting`, which takes its time.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
import psycopg

from autoloop.base.errors import AutoLoopError
from autoloop.engine.hooks import EVENT
from autoloop.engine.hooks.accepting import IDENTITIES, Accepted, Delivery, identity, values_of
from autoloop.engine.hooks.services import TARGETS

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["Express"]

log = logging.getLogger(__name__)

ENTER = "select set_config('autoloop.workspace', %s, true)"

# What a contact has of what a body may say. If it contains what the body says, nothing is to be changed.
HELD = ", ".join(f"'{name}', c.{name}" for name in (*TARGETS, "fields"))

# Materialized, or the contact is looked for anew at each place that names it.
WRITE = f"""
with given as (
  select * from jsonb_to_recordset(%s::jsonb)
    g(i uuid, h uuid, u timestamptz, e text, x text, k text, d jsonb, m jsonb)),
found as materialized (
  select g.*, h.workspace_id as w, 'hook:' || h.id as s, coalesce(
    (select c.id from business_contacts c where c.workspace_id = h.workspace_id and c.external_id = g.x),
    (select c.id from business_contacts c
      where c.workspace_id = h.workspace_id and c.email_normal = g.e and c.email_normal <> '')) as contact
  from given g join incoming_hooks h
    on h.workspace_id = %s and h.id = g.h and h.updated_at = g.u and h.is_active),
ready as (
  select * from found where contact is not null and (m is null or m <@ (
    select jsonb_build_object({HELD}) from business_contacts c where c.workspace_id = w and c.id = contact))),
keyed as (
  insert into event_keys (workspace_id, source, source_id, event_id)
  select w, s, k, i from ready where k is not null order by s, k
  on conflict do nothing returning event_id)
insert into events (workspace_id, id, name, contact_id, data, source, source_id, occurred_at)
select w, i, '{EVENT}', contact, d, s, k, now() from ready
where k is null or i in (select event_id from keyed)
returning id"""


class Express:
    """One connection of its own, used by one thread at a time; made again after it broke."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._connection: psycopg.Connection[Any] | None = None

    def take(self, deliveries: Sequence[Delivery]) -> dict[int, Accepted]:
        """What became of those of one workspace that could go this way, by index. Committed.

        Never raises: what the database refuses is tried the long way, where errors are told apart.
        """
        rows = {index: row for index, each in enumerate(deliveries) if (row := _row(each)) is not None}
        if not rows:
            return {}
        try:
            written = self._write(deliveries[0].hook.workspace_id, list(rows.values()))
        except (psycopg.Error, OSError) as error:
            log.info("deliveries go the long way: %s", error)
            self._drop()
            return {}
        return {index: Accepted(row["i"]) for index, row in rows.items() if row["i"] in written}

    def _write(self, workspace: UUID, rows: list[Mapping[str, Any]]) -> set[UUID]:
        connection = self._open()
        given = orjson.dumps(rows, default=str).decode().replace("\\u0000", "\\ufffd")
        cursor = connection.cursor()
        with connection.pipeline():  # one transaction: without `begin`, all up to its end is one
            cursor.execute(ENTER, (str(workspace),), prepare=True)
            cursor.execute(WRITE, (given, workspace), prepare=True)
        cursor.nextset()
        return {row[0] for row in cursor.fetchall()}

    def _open(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            pooled = self._runtime.web_engine.raw_connection()
            driver: Any = pooled.driver_connection
            pooled.detach()
            driver.autocommit = True
            self._connection = driver
        return self._connection  # type: ignore[return-value]

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _row(delivery: Delivery) -> dict[str, Any] | None:
    """A delivery as the statement takes it; None if it must go the long way."""
    hook = delivery.hook
    if delivery.sample is not None:
        return None
    try:
        email, external = identity(delivery)
    except AutoLoopError:
        return None
    given = values_of(delivery) if hook.mapping.keys() - set(IDENTITIES) else {}
    if any(isinstance(each, list | dict) for each in given.get("fields", {}).values()):
        return None  # a part of a list is contained in it, and yet it is another value
    given.pop("email", None)
    return {
        "i": delivery.id,
        "h": hook.id,
        "u": hook.updated_at,
        "e": email,
        "x": external,
        "k": delivery.key,
        "d": {"hook_id": str(hook.id), "body": delivery.kept},
        "m": given or None,
    }
