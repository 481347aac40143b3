"""Shapes of workflows, in and out of the JSON door."""

from __future__ import annotations

from typing import Any

import colander

from autoloop.engine.enrolment_views import EnrolmentOut
from autoloop.engine.models import WORKFLOW_STATUSES
from autoloop.web.input import ListQuery

__all__ = [
    "Answer",
    "Change",
    "DraftIn",
    "DraftOut",
    "Duplicate",
    "EnrolIn",
    "EnrolOut",
    "NewWorkflow",
    "PreviewIn",
    "PreviewOut",
    "Publish",
    "Question",
    "StatsOut",
    "StepTypeOut",
    "TriggerOut",
    "TriggerTypeOut",
    "VersionOut",
    "VersionRow",
    "WorkflowOut",
    "WorkflowsQuery",
]

MOST_IDS = 10_000


def text(most: int, least: int = 0, **options: Any) -> colander.SchemaNode:
    """Text that may be empty unless `least` says otherwise."""
    kind = colander.String(allow_empty=not least)
    return colander.SchemaNode(kind, validator=colander.Length(least, most), **options)


def free(**options: Any) -> colander.SchemaNode:
    """A JSON object whose keys are not ours to know."""
    return colander.SchemaNode(colander.Mapping(unknown="preserve"), **options)


def whole(**options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.Integer(), **options)


def word(**options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.String(), **options)


def flag(**options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.Boolean(), **options)


def moment(**options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.DateTime(), **options)


def several(node: colander.SchemaNode, **options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.Sequence(), node, **options)


def name(**options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(
        colander.String(),
        preparer=lambda value: value.strip() if isinstance(value, str) else value,
        validator=colander.Length(1, 200),
        **options,
    )


class TriggerIn(colander.MappingSchema):
    type = text(50, 1)
    config = free(missing=colander.drop)
    config_version = whole(missing=colander.drop, validator=colander.Range(1, 10_000))


class TriggersIn(colander.SequenceSchema):
    trigger = TriggerIn()


class WorkflowsQuery(ListQuery):
    status = colander.SchemaNode(
        colander.String(),
        missing=None,
        validator=colander.OneOf(WORKFLOW_STATUSES),
        description="Only workflows of this status; without it all but the archived ones",
    )


class NewWorkflow(colander.MappingSchema):
    name = name()
    description = text(2000, missing="")
    graph = free(missing=None)
    triggers = TriggersIn(missing=colander.drop, validator=colander.Length(max=20))


class Change(colander.MappingSchema):
    name = name(missing=colander.drop)
    description = text(2000, missing=colander.drop)


class Duplicate(colander.MappingSchema):
    name = name(missing=None)


class WorkflowOut(colander.MappingSchema):
    """`version` is the number of the live version; `has_changes` says that there is something to publish: the
    draft differs from it, or the workflow is a draft."""

    id = word()
    name = word()
    description = word()
    status = word()
    is_active = flag()
    version = whole(missing=None)
    published_at = moment(missing=None)
    has_changes = flag()
    created_at = moment()
    updated_at = moment()


class DraftIn(colander.MappingSchema):
    graph = free()
    triggers = TriggersIn(missing=None, validator=colander.Length(max=20))


class DraftOut(colander.MappingSchema):
    graph = free()
    triggers = several(free())
    revision = whole()
    published_revision = whole(missing=None)
    updated_by = word(missing=None)
    updated_at = moment()


class Question(colander.MappingSchema):
    """A graph to be checked in place of the saved draft."""

    graph = free(missing=None)
    triggers = TriggersIn(missing=None, validator=colander.Length(max=20))


class Problem(colander.MappingSchema):
    code = word()
    message = word()
    node = word(missing=None)
    field = word(missing=None)
    severity = word()


class Answer(colander.MappingSchema):
    """What a check found. `ok` means that it may be published: of the problems none is an error."""

    ok = flag()
    problems = several(Problem())


class Publish(colander.MappingSchema):
    note = text(2000, missing="")


class VersionRow(colander.MappingSchema):
    number = whole()
    note = word()
    is_live = flag()
    published_by = word(missing=None)
    published_at = moment()


class VersionOut(VersionRow):
    """`triggers` is null for versions that are older than they are kept."""

    graph = free()
    triggers = several(free(), missing=None)
    checksum = word()


class TriggerOut(colander.MappingSchema):
    id = word()
    type = word()
    config = free()
    event_name = word(missing=None)
    is_active = flag()


class EnrolIn(colander.MappingSchema):
    """Who shall start: a list of contacts, all with a tag, all in a segment, or all. Exactly one of them."""

    contact_ids = several(text(36, 36), missing=None, validator=colander.Length(1, MOST_IDS))
    tag = text(60, 1, missing=None)
    segment = text(36, 36, missing=None)
    all = flag(missing=False)


class Skipped(colander.MappingSchema):
    reason = word()
    count = whole()


class EnrolOut(colander.MappingSchema):
    """More than 5,000 enter part by part: then `enrolment` says how far that is."""

    started = whole()
    skipped = several(Skipped())
    enrolment = EnrolmentOut(missing=None)


class PreviewIn(EnrolIn):
    """With a `reason`, or `would_start`, the contacts of that fate are listed too, `limit` at a time."""

    reason = text(60, 1, missing=None)
    cursor = text(36, 36, missing=None)
    limit = whole(missing=50, validator=colander.Range(1, 200))


class Listed(colander.MappingSchema):
    id = word()
    email = word(missing=None)
    first_name = word()
    last_name = word()


class HeldOut(colander.MappingSchema):
    """A step whose mail would wait for a person, and for what."""

    node = word()
    code = word()
    message = word()


class PreviewOut(colander.MappingSchema):
    """`of` says which graph was asked: live or draft."""

    of = word()
    would_start = whole()
    skipped = several(Skipped())
    held = several(HeldOut())
    contacts = several(Listed(), missing=None)
    next = word(missing=None)


class StatsOut(colander.MappingSchema):
    """`nodes` says for each step how many stand `here` and how many `left` by which port, the latter of the
    newest runs only, as many as `followed` says."""

    total = whole()
    runs = free()
    followed = whole()
    nodes = free()


class TriggerTypeOut(colander.MappingSchema):
    """`form` is the JSON Schema of its settings."""

    name = word()
    title = word()
    hint = word()
    description = word()
    category = word()
    icon = word()
    config_version = whole()
    distribution = word()
    form = free()


class StepTypeOut(TriggerTypeOut):
    """`ports` are those of its settings' defaults; `family` is its colour in the builder."""

    family = word()
    ports = several(word())
    kind = word()
    suspends = flag()
