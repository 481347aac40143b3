"""AutoLoop's own steps and triggers keep the contract that authors test theirs with."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from autoloop.plugins import Next, Registry, Resumed, SendEmail, WaitFor, WaitUntil
from autoloop.plugins.effects import AddTag as GiveTag
from autoloop.plugins.forms import read_config
from autoloop.plugins.testing import StepContract, TriggerContract, visit
from autoloop.plugins.testing.fakes import NOW, context
from autoloop_plugins.steps.ab_split import ABSplit
from autoloop_plugins.steps.add_tag import AddTag
from autoloop_plugins.steps.branch import Branch
from autoloop_plugins.steps.filter import Filter
from autoloop_plugins.steps.for_each import ForEach
from autoloop_plugins.steps.fork import ForkStep
from autoloop_plugins.steps.goal import Goal
from autoloop_plugins.steps.merge import Merge
from autoloop_plugins.steps.send_email import SendEmail as SendEmailStep
from autoloop_plugins.steps.set_variables import SetVariables
from autoloop_plugins.steps.stop import Stop
from autoloop_plugins.steps.sub_workflow import SubWorkflow
from autoloop_plugins.steps.switch import Switch
from autoloop_plugins.steps.update_contact import UpdateContact
from autoloop_plugins.steps.wait import Wait
from autoloop_plugins.steps.wait_for_event import WaitForEvent
from autoloop_plugins.triggers.contact_created import ContactCreated
from autoloop_plugins.triggers.event import EventTrigger
from autoloop_plugins.triggers.manual import Manual

TEMPLATE = "01890000-0000-7000-8000-000000000001"
PRO = {"field": "contact.fields.plan", "op": "is", "value": "pro"}


class TestWait(StepContract):
    step = Wait
    configs = ({"amount": 3}, {"amount": 0, "unit": "seconds"}, {"amount": 1.5, "unit": "weeks"})
    bad_configs = (
        {},
        {"amount": -1},
        {"amount": "soon"},
        {"amount": 1, "unit": "moons"},
        {"amount": 9999, "unit": "weeks"},
    )

    def test_it_counts_from_now(self) -> None:
        assert visit(Wait, {"amount": 2}) == WaitUntil(NOW + timedelta(days=2))
        assert visit(Wait, {"amount": 2}, resumed=Resumed("timer", NOW)) == Next()


class TestWaitForEvent(StepContract):
    step = WaitForEvent
    configs = (
        {"event": "order.paid"},
        {"event": "email.replied", "timeout": {"amount": 2}},
        {"event": "a", "match": {"b": [1]}},
        {"event": "a", "match": {"b": "{{ contact.email }}"}},
    )
    bad_configs = (
        {},
        {"event": ""},
        {"event": "Order Paid"},
        {"event": "a", "match": 3},
        {"event": "a", "match": "{{ event.data }}"},
        {"event": "a", "match": {"x": "{{ broken"}},
        {"event": "a", "timeout": {"amount": "x"}},
    )

    def test_mails_of_this_run_count_unless_told_otherwise(self) -> None:
        own = visit(WaitForEvent, {"event": "email.opened"})
        assert isinstance(own, WaitFor) and "run_id" in own.match
        assert visit(WaitForEvent, {"event": "email.opened", "of": "contact"}).match == {}

    def test_settings_from_before_expressions_mean_what_they_meant(self) -> None:
        old = {"event": "a", "match": {"name": "{{ x }}", "n": [1]}}
        assert WaitForEvent().run(context(), read_config(WaitForEvent(), old, 1)).match == old["match"]


class TestBranch(StepContract):
    step = Branch
    configs = ({"condition": PRO}, {"condition": {"any": []}}, {"condition": {"email": "replied"}})
    bad_configs = (
        {},
        {"condition": {}},
        {"condition": {"all": [{"field": "contact.x", "op": "gt", "value": "1"}]}},
        {"condition": PRO | {"any": []}},
    )

    def test_it_says_why(self) -> None:
        outcome = visit(Branch, {"condition": PRO}, contact={"fields": {"plan": "Pro"}})
        assert outcome.port == "yes" and outcome.why[0]["found"] == "Pro"


class TestABSplit(StepContract):
    step = ABSplit
    configs = ({}, {"arms": [{"name": "x", "weight": 0}, {"name": "y"}]})
    bad_configs = (
        {"arms": []},
        {"arms": [{"name": "x"}]},
        {"arms": [{"name": "x"}, {"name": "x"}]},
        {"arms": [{"name": "error"}, {"name": "b"}]},
    )


class TestUpdateContact(StepContract):
    step = UpdateContact
    configs = (
        {"set": [{"field": "title", "value": "Dr"}]},
        {"set": [{"field": "fields.plan", "value": None}]},
    )
    bad_configs = (
        {},
        {"set": []},
        {"set": [{"field": "Bad Name", "value": 1}]},
        {"set": [{"field": "title", "value": [1]}]},
    )


class TestAddTag(StepContract):
    step = AddTag
    configs = ({"tag": "vip"},)
    bad_configs = ({}, {"tag": ""}, {"tag": " \t "}, {"tag": "x" * 61})

    def test_later_steps_see_the_tag_as_it_is_kept(self) -> None:
        assert visit(AddTag, {"tag": " very \n keen "}).effects == (GiveTag("very keen"),)


class TestStop(StepContract):
    step = Stop
    configs = ({}, {"reason": "enough"})
    bad_configs = ({"reason": "x" * 201},)


class TestSendEmail(StepContract):
    step = SendEmailStep
    configs = (
        {"template_id": TEMPLATE},
        {"template_id": TEMPLATE, "kind": "transactional", "template_version": 2},
    )
    bad_configs = (
        {},
        {"template_id": "x"},
        {"template_id": TEMPLATE, "kind": "spam"},
        {"template_id": TEMPLATE, "template_version": 0},
    )

    def test_it_leaves_by_the_mails_fate(self) -> None:
        config = {"template_id": TEMPLATE}
        assert isinstance(visit(SendEmailStep, config), SendEmail)
        for port in ("sent", "failed", "skipped"):
            assert visit(SendEmailStep, config, resumed=Resumed("email", NOW, port=port)).port == port


class TestManual(TriggerContract):
    trigger = Manual


class TestContactCreated(TriggerContract):
    trigger = ContactCreated


class TestEventTrigger(TriggerContract):
    trigger = EventTrigger
    configs = ({"event": "order.paid"}, {"event": "order.paid", "match": {"big": True}})
    bad_configs = ({}, {"event": "Order Paid"}, {"event": "a", "match": []})


def test_all_of_them_are_tested() -> None:
    """Here or in a file beside this one."""
    files = [file.read_text() for file in Path(__file__).parent.glob("test_*.py")]
    tested = {name for text in files for name in re.findall(r"^    step = (\w+)", text, re.MULTILINE)}
    steps = [plugin for plugin in Registry.load().of("step") if plugin.distribution == "autoloop"]
    for step in steps:
        assert {step.cls.__name__, f"{step.cls.__name__}Step"} & tested, f"{step.name} has no contract test"


class TestSwitch(StepContract):
    step = Switch
    configs = (
        {"cases": [{"name": "a", "condition": PRO}]},
        {
            "value": "{{ contact.fields.plan }}",
            "cases": [{"name": "a", "equals": "pro"}, {"name": "b", "equals": ""}],
        },
    )
    bad_configs = (
        {},
        {"cases": []},
        {"cases": [{"name": "a"}]},
        {"cases": [{"name": "a", "equals": "x"}]},
        {"cases": [{"name": "else", "condition": PRO}]},
        {"cases": [{"name": "a", "condition": PRO}, {"name": "a", "condition": PRO}]},
        {"value": "{{ x", "cases": [{"name": "a", "equals": "x"}]},
    )

    def test_the_first_case_that_fits(self) -> None:
        plan = self.configs[1]
        assert visit(Switch, plan, contact={"fields": {"plan": "PRO"}}).port == "a"
        assert visit(Switch, plan, contact={"fields": {}}).port == "b"
        assert visit(Switch, plan, contact={"fields": {"plan": "free"}}).port == "else"


class TestFilter(StepContract):
    step = Filter
    configs = ({"condition": PRO},)
    bad_configs = ({}, {"condition": {"field": "x"}})


class TestFork(StepContract):
    step = ForkStep
    configs = ({}, {"branches": ["x", "y", "z"]})
    bad_configs = (
        {"branches": ["a"]},
        {"branches": ["a", "a"]},
        {"branches": ["A b", "c"]},
        {"branches": "ab"},
    )


class TestMerge(StepContract):
    step = Merge
    configs = ({}, {"mode": "any"}, {"timeout": {"amount": 2}})
    bad_configs = ({"mode": "some"}, {"timeout": {"amount": -1}})


class TestForEach(StepContract):
    step = ForEach
    configs = ({"items": [1, {"a": 2}]}, {"items": "{{ vars.lines }}", "most": 5})
    bad_configs = ({}, {"items": "text"}, {"items": [1], "most": 5000}, {"items": {"a": 1}})


class TestGoal(StepContract):
    step = Goal
    configs = ({"event": "order.paid"}, {"condition": PRO}, {"event": "a.b", "wait": {"amount": 3}})
    bad_configs = ({}, {"event": "Paid!"}, {"wait": {"amount": 1}}, {"event": "a", "match": 3})


class TestSubWorkflow(StepContract):
    step = SubWorkflow
    configs = (
        {"workflow_id": TEMPLATE},
        {"workflow_id": TEMPLATE, "wait": False, "data": {"x": "{{ vars.x }}"}},
    )
    bad_configs = ({}, {"workflow_id": "other"}, {"workflow_id": TEMPLATE, "data": "text"})


class TestSetVariables(StepContract):
    step = SetVariables
    configs = ({"set": [{"name": "a", "value": 1}, {"name": "b", "value": "{{ contact.email }}"}]},)
    bad_configs = (
        {},
        {"set": []},
        {"set": [{"name": "A", "value": 1}]},
        {"set": [{"name": "a"}, {"name": "a"}]},
        {"set": [{"name": "a", "value": "{% for %}"}]},
    )


def test_the_same_contacts_are_held_out_whatever_the_arms() -> None:
    def out(arms: list[dict[str, Any]]) -> set[int]:
        config = {"arms": arms, "holdout": 20}
        return {n for n in range(2000) if visit(ABSplit, config, chosen_by=str(n)).port == "holdout"}

    held = out([{"name": "a"}, {"name": "b"}])
    assert 320 < len(held) < 480
    assert held == out([{"name": "a", "weight": 9}, {"name": "b"}, {"name": "c"}])
