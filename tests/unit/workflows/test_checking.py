"""What only this room knows of a graph: rows that its settings name and that are gone."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

from autoloop.plugins.registry import Registry
from autoloop.workflows.checking import check_draft

EXAMPLE = Path(__file__).parents[3] / "examples" / "workflows" / "three-step-outreach.json"


def test_missing_templates_and_senders_are_named_with_the_step_that_needs_them():
    graph = json.loads(EXAMPLE.read_text())["graph"]
    gone, sender = UUID(graph["nodes"][0]["config"]["template_id"]), UUID(int=7)
    graph["nodes"][4]["config"]["sender_id"] = str(sender)
    asked: list[tuple[str, set[UUID]]] = []

    def there(kind: str, ids: set[UUID]) -> set[UUID]:
        asked.append((kind, set(ids)))
        return ids - {gone, sender}

    loaders = {
        "template_exists": lambda services, ids: there("template", ids),
        "sender_exists": lambda services, ids: there("sender", ids),
    }
    services = SimpleNamespace(registrations=SimpleNamespace(plugins=Registry.load(), fact_loaders=loaders))
    found = [problem.as_dict() for problem in check_draft(services, graph, [])]
    assert [(each["code"], each["node"], each["field"]) for each in found] == [
        ("MISSING_TEMPLATE", "mail_1", "config.template_id"),
        ("MISSING_SENDER", "mail_2a", "config.sender_id"),
    ]
    assert [(kind, len(ids)) for kind, ids in asked] == [
        ("template", 4),
        ("sender", 1),
    ]  # one question per kind
