"""Shapes of runs and events, in and out of the JSON door."""

from __future__ import annotations

from typing import Any

import colander

from autoloop.engine.models import RUN_STATUSES
from autoloop.web.input import ListQuery

__all__ = ["EventOut", "EventsIn", "EventsOut", "EventsQuery", "RunDetail", "RunOut", "RunsQuery", "StepOut"]

MOST_EVENTS = 1000


def word(**options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.String(), **options)


def whole(**options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.Integer(), **options)


def flag(**options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.Boolean(), **options)


def moment(**options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.DateTime(), **options)


def free(**options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.Mapping(unknown="preserve"), **options)


def several(**options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.Sequence(), free(), **options)


def text(most: int, **options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.String(), validator=colander.Length(1, most), **options)


class RunsQuery(ListQuery):
    status = colander.SchemaNode(
        colander.String(),
        missing=None,
        validator=colander.OneOf(RUN_STATUSES),
        description="Only runs of this status",
    )
    workflow_id = text(36, missing=None, description="Only runs of this workflow")
    contact_id = text(36, missing=None, description="Only runs of this contact")
    version = whole(missing=None, description="Only runs of this version of the workflow, by its number")
    node = text(200, missing=None, description="Only runs that stand at this step")
    tag = text(100, missing=None, description="Only runs of contacts with this tag")
    segment = text(36, missing=None, description="Only runs of contacts in this segment")
    started_before = moment(missing=None, description="Only runs that began before this moment")


class RunOut(colander.MappingSchema):
    """`reason` says why it stopped, failed, is blocked or paused. A test of somebody invented has no contact."""

    id = word()
    workflow_id = word()
    version_id = word()
    contact_id = word(missing=None)
    trigger = word()
    status = word()
    reason = word(missing=None)
    steps = whole()
    is_test = flag()
    due_at = moment(missing=None)
    started_at = moment()
    moved_at = moment()
    ended_at = moment(missing=None)


class RunDetail(RunOut):
    """`positions` says where it stands and what it waits for there; `variables` what it knows."""

    entry_key = word()
    attempts = whole()
    positions = several()
    visits = free()
    variables = free()


class StepOut(colander.MappingSchema):
    """One line of the journal. `outcome` is next, retry (by itself), retried (by a person, who had the failed
    step done anew), late, error, or how the run ended."""

    seq = whole()
    node = word()
    type = word()
    visit = whole()
    outcome = word()
    port = word(missing=None)
    detail = free(missing=None)
    entered_at = moment()
    at = moment()


class EventIn(colander.MappingSchema):
    """The contact is named by one of `contact_id`, `email`, `external_id`.

    With an `id`, a second event of the same `source` and `id` is dropped for 90 days.
    """

    name = colander.SchemaNode(
        colander.String(),
        validator=colander.All(
            colander.Length(1, 100),
            colander.Regex(r"^[a-z0-9_]+(\.[a-z0-9_]+)*\Z", msg="must be like order.paid"),
        ),
    )
    contact_id = text(36, missing=None)
    email = text(320, missing=None)
    external_id = text(200, missing=None)
    data = free(missing=None)
    source = text(60, missing="api")
    id = text(200, missing=None)
    occurred_at = moment(missing=None)


class EventList(colander.SequenceSchema):
    event = EventIn()


class EventsIn(colander.MappingSchema):
    events = EventList(validator=colander.Length(1, MOST_EVENTS))


class EventsOut(colander.MappingSchema):
    """`events` stand in the order they were sent; `id` is null for one that was known already."""

    accepted = whole()
    duplicates = whole()
    events = several()


class EventsQuery(ListQuery):
    name = text(100, missing=None, description="Only events of this name")
    contact_id = text(36, missing=None, description="Only events of this contact")


class EventOut(colander.MappingSchema):
    id = word()
    name = word()
    contact_id = word(missing=None)
    data = free()
    source = word()
    source_id = word(missing=None)
    pending = flag()
    occurred_at = moment()
    received_at = moment()
