"""`autoloop simulate` and `autoloop explain`, against a real database."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import Any

import pytest
from click.testing import CliRunner

from autoloop import make_runtime
from autoloop.base.runtime import Runtime
from autoloop.cli import explain, simulate, workspaces
from autoloop.settings import Settings
from tests.factories import Client, Tenant
from tests.functional.test_explain import live, person, settle
from tests.functional.test_workflows import edge, node


class Here:
    """The configuration of the tests' database."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def database(self) -> Any:
        return nullcontext()

    def runtime(self) -> Runtime:
        return make_runtime(self.settings)


def said(command: Any, *words: str, code: int = 0) -> str:
    found = CliRunner().invoke(command, list(words), catch_exceptions=False)
    assert found.exit_code == code, found.output
    return found.output


def test_try_and_ask_from_the_command_line(
    api: Client, runtime: Runtime, tenant: Tenant, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(workspaces, "find", lambda _path: Here(settings))
    graph = {
        "schema": 1,
        "nodes": [
            node("vip", "branch", condition={"field": "contact.tags", "op": "has", "value": "vip"}),
            node("hold", "wait", amount=3, unit="days"),
        ],
        "edges": [edge("vip", "yes", "hold")],
    }
    workflow = live(api, graph, [])
    ada = person(runtime, tenant, first_name="Ada", tags=["vip"])
    at = ("-w", tenant.slug)
    way = said(simulate.command, "Paid", ada, *at)
    assert "Branch (vip) → yes" in way
    assert "contact.tags has vip: yes" in way
    assert way.strip().endswith("completed")
    asked = json.dumps({"contact": {"tags": []}, "outcomes": {"vip": {"port": "yes"}}})
    told = CliRunner().invoke(
        simulate.command, [workflow, *at, "--scenario", "-", "--json"], input=asked, catch_exceptions=False
    )
    found = json.loads(told.output)
    assert [step["port"] for step in found["steps"]] == ["yes", "next"]
    assert found["steps"][0]["chosen"]
    assert "no workflow “Unpaid”" in said(simulate.command, "Unpaid", *at, code=2)
    assert "is no JSON" in said(simulate.command, "Paid", "--data", "{", "--event", "a.b", *at, code=2)

    assert "Was never in it" in said(explain.command, "contact", ada, *at)
    api.post(f"workflows/{workflow}/enrol", {"contact_ids": [ada]})
    settle(runtime)
    inside = json.loads(said(explain.command, "contact", ada, "--workflow", "Paid", "--json", *at))
    run = inside["workflows"][0]["run_id"]
    story = said(explain.command, "run", run, *at)
    assert "“Branch” went on by “yes”" in story
    assert "waits until" in story
    assert "There is no run" in said(explain.command, "run", "nonsense", *at, code=2)
