"""The contract of step types, as tests."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any, ClassVar

import httpx
import pytest

from autoloop.plugins.context import Resumed
from autoloop.plugins.facts import Needs
from autoloop.plugins.forms import ConfigProblems, json_schema, read_config, schema_of
from autoloop.plugins.outcomes import (
    Fail,
    Fork,
    Join,
    Loop,
    Next,
    Retry,
    SendEmail,
    StartRun,
    Stop,
    WaitFor,
    WaitUntil,
)
from autoloop.plugins.registry import Registry
from autoloop.plugins.steps import ActionStep, Step
from autoloop.plugins.testing.fakes import NOW, Answers, visit

__all__ = ["StepContract"]

OUTCOMES = (Next, WaitUntil, WaitFor, SendEmail, Retry, Fail, Stop, Fork, Join, Loop, StartRun)
RESUMED = (
    None,
    Resumed("timer", NOW),
    Resumed("event", NOW, name="order.paid", data={"sum": 3}),
    Resumed("email", NOW, port="sent"),
    Resumed("email", NOW, port="failed", data={"reason": "550"}),
    Resumed("child", NOW, port="skipped", data={"why": "it is paused"}),
    Resumed("merge", NOW),
)
CONTACTS: tuple[dict[str, Any], ...] = (
    {},
    {"email": None, "tags": None, "fields": None},
    {
        "id": "1",
        "email": "ada@example.com",
        "first_name": "Ada",
        "tags": ["vip"],
        "fields": {"plan": "pro", "age": 7},
    },
)


class StepContract:
    """Derive, set `step` and `configs`; everything a step type must do is then tested."""

    step: ClassVar[type[Step]]
    configs: ClassVar[Sequence[dict[str, Any]]] = ({},)
    bad_configs: ClassVar[Sequence[Any]] = ()

    @pytest.fixture(autouse=True)
    def _made(self) -> None:
        self.made = self.step()

    def test_the_registry_takes_it(self) -> None:
        Registry().add("step", self.step)

    def test_it_says_what_it_is(self) -> None:
        assert self.made.title.strip()
        assert self.made.description().strip(), (
            "a step type has a docstring: it is its page in the documentation"
        )

    def test_its_form_is_json_schema(self) -> None:
        form = json_schema(schema_of(self.made))
        assert form["type"] == "object"
        json.dumps(form)

    def test_it_takes_its_settings(self) -> None:
        for config in self.configs:
            read = read_config(self.made, config)
            assert dict(self.made.check(read)) == {}
            ports = self.made.ports(read)
            assert len(set(ports)) == len(ports)
            assert "error" not in ports, "every step has the port error without naming it"
            assert isinstance(self.made.needs(read), Needs)
            assert isinstance(self.made.summary(read), str)

    def test_it_refuses_bad_settings(self) -> None:
        for config in (*self.bad_configs, {"no such setting": 1}, "text", None, [1]):
            try:
                read = read_config(self.made, config)
            except ConfigProblems:
                continue
            assert dict(self.made.check(read)), f"{config!r} was taken"

    def test_every_visit_ends_in_an_outcome(self) -> None:
        for config in self.configs:
            ports = {*self.made.ports(read_config(self.made, config)), "error"}
            for contact in CONTACTS:
                for resumed in (None,) if isinstance(self.made, ActionStep) else RESUMED:
                    outcome = visit(self.made, config, contact=contact, resumed=resumed)
                    assert isinstance(outcome, OUTCOMES), f"answered {outcome!r}"
                    assert not isinstance(outcome, Next) or outcome.port in ports
                    if resumed is None and self.made.suspends and not isinstance(self.made, ActionStep):
                        assert not isinstance(outcome, Next), "it says that it suspends, but went on at once"

    def test_a_visit_is_pure(self) -> None:
        if isinstance(self.made, ActionStep):
            pytest.skip("an action step does I/O")
        for config in self.configs:
            contact = copy.deepcopy(CONTACTS[2])
            given = copy.deepcopy(config)
            first = visit(self.made, config, contact=contact)
            assert visit(self.made, config, contact=contact) == first, "the same visit ended in another way"
            assert contact == CONTACTS[2], "it changed the contact"
            assert config == given, "it changed its settings"

    def test_an_action_survives_a_bad_line(self) -> None:
        if not isinstance(self.made, ActionStep) or "http" not in self.made.capabilities:
            pytest.skip("it does not speak HTTP")
        for config in self.configs:
            broken = visit(self.made, config, answers=Answers(*[httpx.ConnectError("down")] * 9))
            assert isinstance(broken, Retry | Fail), "a broken line is retried or a failure"
            busy = visit(self.made, config, answers=Answers(*[503] * 9))
            assert isinstance(busy, Retry | Fail), "a 503 is retried or a failure"
