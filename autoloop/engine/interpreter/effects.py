"""Effects and outputs as plain data: checked, carried, laid over what is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from autoloop.plugins.effects import AddTag, Effect, Emit, Notify, RemoveTag, UpdateBusiness, UpdateContact
from autoloop.plugins.outcomes import Fail, Next, Stop

__all__ = ["bounded", "fit", "overlaid", "plain_outcome", "read_effect", "sentence"]

EFFECTS = (UpdateContact, UpdateBusiness, AddTag, RemoveTag, Emit, Notify)
BY_NAME: dict[str, Any] = {cls.__name__: cls for cls in EFFECTS}


def fit(effects: Any) -> bool:
    """Is this a sequence of effects, whatever a step has answered?"""
    return not effects or (isinstance(effects, list | tuple) and all(map(_sound, effects)))


def _sound(effect: Any) -> bool:
    """An effect of plain data."""
    match effect:
        case UpdateContact() | UpdateBusiness():
            fits = isinstance(effect.set, Mapping)
        case AddTag() | RemoveTag():
            fits = isinstance(effect.tag, str)
        case Emit():
            fits = isinstance(effect.name, str) and isinstance(effect.data, Mapping)
        case _:
            fits = isinstance(effect, Notify)
    try:
        return fits and bool(orjson.dumps(_written(effect)))
    except (TypeError, RecursionError):
        return False


def sentence(why: Any) -> str:
    """A reason, whatever a step has given for one, as text that can be stored."""
    return "" if why is None else str(why).encode(errors="replace").decode()


def bounded(detail: Any, limit: int) -> Any:
    """A detail of the journal, cut to `limit` bytes of JSON."""
    if detail is None:
        return None
    try:
        written = orjson.dumps(detail)
    except (TypeError, RecursionError):
        return {"why": sentence(detail)[:limit]}
    if len(written) <= limit:
        return detail
    return {"truncated": True, "why": written[: limit // 2].decode(errors="replace")}


def overlaid(data: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Facts after an update; `fields.plan` sets a custom field."""
    made = dict(data)
    for field, value in changes.items():
        root, _, rest = str(field).partition(".")
        made[root] = overlaid(made.get(root) or {}, {rest: value}) if rest else value
    return made


def plain_outcome(outcome: Next | Fail | Stop) -> dict[str, Any]:
    """An action's outcome as plain data, for the stimulus that carries it."""
    if isinstance(outcome, Next):
        effects = [_written(effect) for effect in outcome.effects]
        return {
            "outcome": "next",
            "port": outcome.port,
            "output": outcome.output,
            "why": outcome.why,
            "effects": effects,
            **({"variables": dict(outcome.variables)} if outcome.variables is not None else {}),
        }
    return {"outcome": "stop" if isinstance(outcome, Stop) else "fail", "why": outcome.why}


def _written(effect: Effect) -> dict[str, Any]:
    names = type(effect).__dataclass_fields__
    return {"effect": type(effect).__name__, **{name: getattr(effect, name) for name in names}}


def read_effect(given: Any) -> Effect | None:
    """An effect that came as plain data; None if it is none."""
    if not isinstance(given, Mapping):
        return None
    values = dict(given)
    cls = BY_NAME.get(values.pop("effect", ""))
    try:
        return cls(**values) if cls is not None else None
    except TypeError:
        return None
