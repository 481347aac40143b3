"""Shapes of runs and events, in and out."""

from __future__ import annotations

import re
from typing import Any

import colander

from autoloop.engine.models import RUN_STATUSES
from autoloop.plugins.forms import FreeMapping
from autoloop.web.input import ListQuery

__all__ = ["EventIn", "EventOut", "EventQuery", "EventsIn", "ReceivedOut", "RunOut", "RunQuery", "StepOut", "Why"]

NAME = re.compile(r"[a-z][a-z0-9_]{0,49}(\.[a-z][a-z0-9_]{0,49}){1,3}\Z")
MOST_EVENTS = 500


def _text(most: int, **more: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.String(), validator=colander.Length(max=most), **more)


def _id(**more: Any) -> colander.SchemaNode:
    return colander.SchemaNode(
        colander.String(), validator=colander.Regex(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", "This is no id."), **more
    )


class RunQuery(ListQuery):
    status = colander.SchemaNode(colander.String(), missing=None, validator=colander.OneOf(RUN_STATUSES))
    workflow_id = _id(missing=None)
    contact_id = _id(missing=None)


class RunOut(colander.MappingSchema):
    id = colander.SchemaNode(colander.String())
    workflow_id = colander.SchemaNode(colander.String())
    workflow_name = colander.SchemaNode(colander.String())
    version_id = colander.SchemaNode(colander.String())
    version = colander.SchemaNode(colander.Integer(), description="Number of the version it walks through")
    contact_id = colander.SchemaNode(colander.String())
    contact_name = colander.SchemaNode(colander.String())
    trigger = colander.SchemaNode(colander.String())
    status = colander.SchemaNode(colander.String())
    reason = colander.SchemaNode(colander.String(), missing=None, description="Why it stopped, failed, or stands still")
    positions = colander.SchemaNode(
        colander.Sequence(), colander.SchemaNode(colander.Mapping(unknown="preserve")), description="Where it stands"
    )
    variables = colander.SchemaNode(colander.Mapping(unknown="preserve"))
    steps = colander.SchemaNode(colander.Integer(), description="Lines of its journal")
    is_test = colander.SchemaNode(colander.Boolean())
    due_at = colander.SchemaNode(colander.DateTime(), missing=None)
    started_at = colander.SchemaNode(colander.DateTime())
    moved_at = colander.SchemaNode(colander.DateTime())
    ended_at = colander.SchemaNode(colander.DateTime(), missing=None)


class StepOut(colander.MappingSchema):
    seq = colander.SchemaNode(colander.Integer())
    node = colander.SchemaNode(colander.String())
    type = colander.SchemaNode(colander.String())
    visit = colander.SchemaNode(colander.Integer())
    position = colander.SchemaNode(colander.Integer())
    outcome = colander.SchemaNode(colander.String())
    port = colander.SchemaNode(colander.String(), missing=None)
    detail = colander.SchemaNode(colander.Mapping(unknown="preserve"), missing=None)
    entered_at = colander.SchemaNode(colander.DateTime())
    at = colander.SchemaNode(colander.DateTime())


class Why(colander.MappingSchema):
    why = _text(300, missing="")


class EventIn(colander.MappingSchema):
    """Something that happened to a contact. One of contact_id, email and external_id says to whom."""

    name = colander.SchemaNode(
        colander.String(),
        validator=colander.Regex(NAME, "Name it noun.verb_past, like order.paid: lower case, digits, underscores, one to three dots."),
    )
    contact_id = _id(missing=None)
    email = _text(320, missing=None)
    external_id = _text(200, missing=None)
    data = colander.SchemaNode(FreeMapping(), missing=dict)
    source = _text(100, missing="api", description="Who says so")
    source_id = _text(200, missing=None, description="Its id there: a second event of the same id is dropped for 90 days")
    occurred_at = colander.SchemaNode(colander.DateTime(), missing=None)


class EventsIn(colander.MappingSchema):
    events = colander.SchemaNode(colander.Sequence(), EventIn(name="event"), validator=colander.Length(1, MOST_EVENTS))


class ReceivedOut(colander.MappingSchema):
    id = colander.SchemaNode(colander.String(), missing=None, description="null for one that was known already")
    known = colander.SchemaNode(colander.Boolean())


class EventQuery(ListQuery):
    name = _text(200, missing=None)
    contact_id = _id(missing=None)


class EventOut(colander.MappingSchema):
    id = colander.SchemaNode(colander.String())
    name = colander.SchemaNode(colander.String())
    contact_id = colander.SchemaNode(colander.String(), missing=None)
    data = colander.SchemaNode(colander.Mapping(unknown="preserve"))
    source = colander.SchemaNode(colander.String())
    source_id = colander.SchemaNode(colander.String(), missing=None)
    occurred_at = colander.SchemaNode(colander.DateTime())
    received_at = colander.SchemaNode(colander.DateTime())
