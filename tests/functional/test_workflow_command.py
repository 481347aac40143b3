"""`autoloop workflow export` and `import`, against a real database."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoloop.cli import workflow
from autoloop.settings import Settings
from tests.factories import Client, Tenant
from tests.functional.test_exchange import drawn, furnish
from tests.functional.test_simulate_command import Here, said


def test_out_and_in_again(
    api: Client, tenant: Tenant, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(workflow, "find", lambda _path: Here(settings))
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
