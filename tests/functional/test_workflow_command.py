"""`autoloop workflow export` and `import`, against a real database."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoloop.cli import workflow, workspaces
from autoloop.settings import Settings
from tests.factories import Client, Tenant
from tests.functional.test_exchange import drawn, furnish
from tests.functional.test_simulate_command import Here, said


def test_out_and_in_again(
    api: Client, tenant: Tenant, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(workspaces, "find", lambda _path: Here(settings))
    drawn(api, furnish(api))
    file = tmp_path / "whole.json"
    file.write_text(said(workflow.command, "export", "Whole", "-w", tenant.slug))
    told = said(workflow.command, "import", str(file), "-w", tenant.slug)
    assert "imported as a draft" in told and "Not here" not in told
    assert [each["name"] for each in api.data("workflows")].count("Whole") == 2
    file.write_text("[]")
    assert "no workflow" in said(workflow.command, "import", str(file), "-w", tenant.slug, code=1)
    file.write_text("{")
    said(workflow.command, "import", str(file), "-w", tenant.slug, code=1)


def test_a_test_run_of_somebody_invented(
    api: Client, tenant: Tenant, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspaces, "find", lambda _path: Here(settings))
    nodes = [{"id": "hold", "type": "wait", "config": {"amount": 1}}]
    api.post("workflows", {"name": "Slow", "graph": {"schema": 1, "nodes": nodes, "edges": []}})

    def tested(*more: str, code: int = 0) -> str:
        return said(workflow.command, "test", "Slow", "-w", tenant.slug, *more, code=code)

    told = tested("--to", tenant.email, "--invent", '{"contact": {"first_name": "Zoe"}}')
    run = api.data(f"runs/{told.split(':')[-1].strip()}")
    assert (run["is_test"], run["contact_id"]) == (True, None)
    assert (run["variables"]["test"]["contact"]["name"], run["variables"]["test"]["to"]) == (
        "Zoe Lovelace",
        tenant.email,
    )
    assert "a member only" in tested("--to", "eve@example.org", "--invent", "{}", code=1)
    assert "There is no contact" in tested("--to", tenant.email, "--contact", "nobody@example.org", code=2)
    assert "is no JSON" in tested("--to", tenant.email, "--invent", "{", code=2)
    assert "Must be an object" in tested("--to", tenant.email, "--invent", '{"contact": 5}', code=1)
    assert "no “first_name”" in tested("--to", tenant.email, "--invent", '{"first_name": "Zoe"}', code=2)
    odd = '{"contact": {"first_name": "a\\u0000"}}'
    assert "NUL" in tested("--to", tenant.email, "--invent", odd, code=1)
