"""Step types: the contract between a node of a workflow and the engine that walks through it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from inspect import cleandoc
from typing import Any, ClassVar

import colander

from autoloop.plugins.context import ActionContext, StepContext
from autoloop.plugins.facts import NOTHING, Needs
from autoloop.plugins.outcomes import Fail, Next, Outcome, Retry, Stop

__all__ = ["ActionStep", "DecisionStep", "GoalStep", "Step"]


class Step:
    """What every step type declares. One instance serves all runs: keep nothing on `self`.

    `name` is snake_case and unique; `Config` is the colander schema of a node's settings and draws
    its form; `config_version` rises when the schema changes, and `upgrade` brings old settings up.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    category: ClassVar[str] = "other"
    icon: ClassVar[str] = "box"
    config_version: ClassVar[int] = 1
    capabilities: ClassVar[frozenset[str]] = frozenset()
    suspends: ClassVar[bool] = False
    """True if a first visit waits, or fails: what lies behind its other ports need not be known yet."""
    forks: ClassVar[bool] = False
    """True if it may answer Fork."""
    joins: ClassVar[bool] = False
    """True if it may answer Join."""
    loops: ClassVar[bool] = False
    """True if it may answer Loop; ways back that leave through `item` are then bounded."""
    loose_ports: ClassVar[frozenset[str]] = frozenset()
    """Ports that are often left untied: a check says nothing of them."""
    gives: ClassVar[tuple[str, ...]] = ()
    """Names in its output that later steps may read; the builder offers them."""

    class Config(colander.MappingSchema):
        """No settings."""

    @classmethod
    def description(cls) -> str:
        """The docstring: the step's page in the documentation, its first line the hint in the builder."""
        return cleandoc(cls.__doc__ or "")

    def ports(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        """Named exits. Every step also has `error`, taken on Fail when something is tied to it."""
        return ("next",)

    def needs(self, config: Mapping[str, Any]) -> Needs:
        """What must be loaded before the step can run."""
        return NOTHING

    def summary(self, config: Mapping[str, Any]) -> str:
        """One line for the node in the picture of the workflow."""
        return self.title

    def check(self, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Problems the schema cannot see, as (field, message)."""
        return ()

    def upgrade(self, config: dict[str, Any], version: int) -> dict[str, Any]:
        """Settings of an older `config_version` in today's form."""
        return config


class DecisionStep(Step):
    """A step that only decides: pure, fast, no I/O. It runs inside the engine's transaction."""

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        raise NotImplementedError


class GoalStep(DecisionStep):
    """A step that is reached from afar: as soon as it is, whatever of the run has not passed it goes there.

    The engine asks `reached` whenever the run is advanced, until it is; events of the given names wake
    the run for that.
    """

    def listens(self, config: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any], bool]]:
        """Events as (name, what its data contains, whether the event alone reaches the goal).

        An empty `run_id` stands for the run's own.
        """
        return ()

    def reached(self, ctx: StepContext, config: Mapping[str, Any]) -> tuple[bool, Any]:
        """Is the goal reached now, as far as the facts say; and why."""
        return False, None


class ActionStep(Step):
    """A step that talks to the world. It runs in a thread, outside every transaction, at least
    once: send `ctx.idempotency_key` along, so that the other side can tell a repetition.

    `time_limit` is in seconds; after `max_attempts` a Retry is a failure. With `once`, for a world that
    cannot tell repetitions: an attempt that never answered (the process died, its time ran out, the step
    raised) is not begun again but fails, as nobody can say what it did. A Retry says that nothing was done.
    """

    suspends: ClassVar[bool] = True
    time_limit: ClassVar[float] = 30.0
    max_attempts: ClassVar[int] = 5
    once: ClassVar[bool] = False

    def run(self, ctx: ActionContext, config: Mapping[str, Any]) -> Next | Retry | Fail | Stop:
        raise NotImplementedError
