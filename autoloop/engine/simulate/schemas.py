"""Shapes of a simulation: what a person picks, and what they are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import colander
import orjson

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.engine.simulate.scenario import CHILD_ENDS, FATES, REACTIONS

__all__ = ["Asked", "Picked", "Told", "read_outcomes"]

YEARS = 10 * 366 * 86_400
MOST_NODES = 1_000
MOST_BYTES = 65_536


class Anything(colander.SchemaType):  # type: ignore[misc]
    """Any JSON, of at most 64 kB."""

    def deserialize(self, node: Any, cstruct: Any) -> Any:
        try:
            if cstruct is not colander.null and len(orjson.dumps(cstruct)) > MOST_BYTES:
                raise colander.Invalid(node, _("Is larger than 64 kB."))
        except (TypeError, RecursionError):
            raise colander.Invalid(node, _("Is nested too deeply, or is no JSON.")) from None
        return cstruct

    def serialize(self, node: Any, appstruct: Any) -> Any:
        return appstruct

    def cstruct_children(self, node: Any, cstruct: Any) -> list[Any]:
        return []


def _text(most: int, **more: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.String(), validator=colander.Length(1, most), **more)


def _free(**more: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.Mapping(unknown="preserve"), **more)


def _seconds(**more: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.Integer(), validator=colander.Range(0, YEARS), missing=0, **more)


def _one_of(*words: str, **more: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.String(), validator=colander.OneOf(words), **more)


EVENT = colander.All(
    colander.Length(1, 100), colander.Regex(r"^[a-z0-9_]+(\.[a-z0-9_]+)*\Z", msg="must be like order.paid")
)


class Reaction(colander.MappingSchema):  # type: ignore[misc]
    """What the contact does with an email, so many seconds after it was sent."""

    event = _one_of(*REACTIONS)
    after = _seconds()
    text = _text(10_000, missing=colander.drop, description="What a reply says")
    data = _free(missing=colander.drop)


class Reactions(colander.SequenceSchema):  # type: ignore[misc]
    reaction = Reaction()


class Usual(colander.MappingSchema):  # type: ignore[misc]
    """What is to come of every step. Emails: `fate`, `reason`, `then`. Waits for events: `happens`, `after`,
    `data`. Steps that call out: `status` and `body`, or `output`."""

    fate = _one_of(*FATES, missing=colander.drop)
    reason = _text(500, missing=colander.drop)
    then = Reactions(missing=colander.drop, validator=colander.Length(max=20))
    happens = colander.SchemaNode(colander.Boolean(), missing=colander.drop)
    after = colander.SchemaNode(
        colander.Integer(), validator=colander.Range(0, YEARS), missing=colander.drop, description="Seconds"
    )
    data = _free(missing=colander.drop)
    status = colander.SchemaNode(
        colander.Integer(), validator=colander.Range(100, 599), missing=colander.drop
    )
    body = colander.SchemaNode(Anything(), missing=colander.drop)
    output = colander.SchemaNode(Anything(), missing=colander.drop)
    why = _text(500, missing=colander.drop)
    child = _one_of(
        *CHILD_ENDS,
        missing=colander.drop,
        description="How the run of the other workflow ended; skipped: the contact was not let in",
    )


class Picked(Usual):
    """What is to come of one step: as of every step, or the `port` that it leaves by."""

    port = _text(64, missing=colander.drop)


class Comes(colander.MappingSchema):  # type: ignore[misc]
    """An event of the contact, so many seconds after the start."""

    name = colander.SchemaNode(colander.String(), validator=EVENT)
    after = _seconds()
    data = _free(missing=colander.drop)


class Coming(colander.SequenceSchema):  # type: ignore[misc]
    event = Comes()


class Entry(colander.MappingSchema):  # type: ignore[misc]
    """The event that started the run."""

    name = colander.SchemaNode(colander.String(), validator=EVENT)
    data = _free(missing=colander.drop)


class Asked(colander.MappingSchema):  # type: ignore[misc]
    """A simulation. Either `contact_id`, or an invented `contact` (and `business`); the draft unless a
    `version` is named. `outcomes` are by step id, each like `default`, or with a `port`."""

    version = colander.SchemaNode(
        colander.Integer(),
        validator=colander.Range(1, 1_000_000),
        missing=None,
        description="Empty: the draft",
    )
    contact_id = _text(36, missing=None)
    contact = _free(missing=None)
    business = _free(missing=None)
    start_at = colander.SchemaNode(
        colander.DateTime(),
        validator=colander.Range(
            datetime(1970, 1, 1, tzinfo=UTC),
            datetime(2200, 1, 1, tzinfo=UTC),
            min_err=_("Must be after 1970."),
            max_err=_("Must be before 2200."),
        ),
        missing=None,
        description="Empty: now",
    )
    event = Entry(missing=None)
    events = Coming(missing=(), validator=colander.Length(max=100))
    default = Usual(missing=None)
    outcomes = _free(missing=None)
    most_steps = colander.SchemaNode(colander.Integer(), validator=colander.Range(1, 500), missing=500)


class End(colander.MappingSchema):  # type: ignore[misc]
    """`status` is completed, stopped, failed, waiting or unfinished; `code` says which way it came to it;
    `seconds` is how long it all took, in the simulation's time."""

    status = colander.SchemaNode(colander.String())
    code = colander.SchemaNode(colander.String())
    reason = colander.SchemaNode(colander.String(), missing=None)
    note = colander.SchemaNode(colander.String(), missing=None)
    at = colander.SchemaNode(colander.String())
    seconds = colander.SchemaNode(colander.Float())


class Visits(colander.SequenceSchema):  # type: ignore[misc]
    visit = _free()


class Told(colander.MappingSchema):  # type: ignore[misc]
    """`steps` in the order in which they were entered: node, type, title, ports, visit, entered_at, left_at, outcome,
    port, why, chosen, effects, wait, mail, output, variables and tags as they were after it."""

    steps = Visits()
    late = Visits()
    end = End()
    started_at = colander.SchemaNode(colander.String())
    contact = _free()
    business = _free()
    variables = _free()


def read_outcomes(
    given: Mapping[str, Any] | None, checked: Callable[[Any, Any], dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Each node's outcome through its schema. Raises Invalid that names the node and the field."""
    if given and len(given) > MOST_NODES:
        raise Invalid(details={"outcomes": [_("Outcomes for too many steps.")]})
    read: dict[str, dict[str, Any]] = {}
    problems: dict[str, list[str]] = {}
    for node, picked in (given or {}).items():
        try:
            read[node] = checked(Picked(), picked)
        except Invalid as error:
            place = f"outcomes.{node}"[:200]
            problems |= {f"{place}.{field}": said for field, said in error.details.items()} or {
                place: [error.message]
            }
    if problems:
        raise Invalid(details=problems)
    return read
