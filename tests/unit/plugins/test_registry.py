"""The registry: a broken plugin is named and breaks nothing else."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from types import SimpleNamespace
from typing import Any

import colander
import pytest

from autoloop.plugins import DecisionStep, Next, Registry


class Good(DecisionStep):
    name, title = "good", "Good"

    def run(self, ctx: Any, config: Any) -> Any:
        return Next()


class Misnamed(Good):
    name = "other"


class Broken(Good):
    name = "broken"

    class Config(colander.MappingSchema):
        def __init__(self) -> None:
            raise RuntimeError("no settings today")


class Lazy(DecisionStep):
    name, title = "lazy", "Lazy"


class Point(EntryPoint):
    """An entry point of a distribution that is not installed."""

    def __new__(cls, name: str, loaded: Any, distribution: str = "acme-steps") -> Any:
        return SimpleNamespace(
            name=name, load=lambda: _raise(loaded), dist=SimpleNamespace(name=distribution, version="1.2")
        )


def _raise(loaded: Any) -> Any:
    if isinstance(loaded, Exception):
        raise loaded
    return loaded


def load(*points: Any, disabled: tuple[str, ...] = ()) -> Registry:
    return Registry.load(disabled, lambda group: points if group == "autoloop.step_types" else ())


@pytest.mark.parametrize(
    ("name", "loaded", "says"),
    [
        ("gone", ModuleNotFoundError("no module named acme"), "cannot be loaded: ModuleNotFoundError"),
        ("text", "not a class", "is not a class"),
        ("int", int, "does not derive from autoloop.plugins.steps.Step"),
        ("misnamed", Misnamed, "is named 'other' in the class"),
        ("broken", Broken, "no settings today"),
        ("lazy", Lazy, "has no run method"),
    ],
)
def test_what_is_wrong_is_said_with_the_distribution(name: str, loaded: Any, says: str) -> None:
    registry = load(Point(name, loaded), Point("good", Good))
    assert list(registry.steps) == ["good"]
    (problem,) = registry.problems
    assert problem.startswith(f"The step “{name}” of acme-steps 1.2") and says in problem


def test_the_first_of_a_name_wins_and_autoloop_is_first() -> None:
    registry = load(Point("good", Good, "acme"), Point("good", Good, "autoloop"))
    assert "autoloop brings already" in registry.problems[0] and "of acme" in registry.problems[0]


def test_plugins_can_be_switched_off() -> None:
    assert load(Point("good", Good), disabled=("good",)).steps == {}
    registry = load(Point("broken", RuntimeError("x")), disabled=("step:broken",))
    assert registry.problems == [] and registry.plugins[0].disabled
