"""What the demo sets up, as a person would through the API: senders, templates, contacts, the workflow."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from autoloop.demo.door import Door
from autoloop.demo.files import example
from autoloop.workflows.exchange import replaced

__all__ = ["DAY", "Import", "bring_in_contacts", "make_sender", "make_workflow"]

DAY = 4
"""Seconds that stand for a day in the demo's waits. Clocks are never scaled: the graph says seconds."""

TEMPLATES: dict[str, dict[str, Any]] = {
    "00000000-0000-7000-8000-000000000001": {
        "name": "1 Introduction",
        "subject": "{{ contact.first_name }}, a question about {{ business.name }}",
        "preheader": "Two minutes, and no brochure",
        "source": (
            "Hello {{ contact.first_name }},\n\n"
            "we help {{ business.industry | downcase }} companies in {{ business.city }} answer every enquiry on the "
            "same day. I looked at [{{ business.name }}]({{ business.website }}) and thought of three things you could "
            "try.\n\nMay I send them?\n\n{{ sender.name }}"
        ),
    },
    "00000000-0000-7000-8000-00000000002a": {
        "name": "2a Reminder, short",
        "subject": "Shall I send them, {{ contact.first_name }}?",
        "preheader": "A yes is enough",
        "source": (
            "Hello {{ contact.first_name }},\n\na short one: shall I send the three ideas for "
            "**{{ business.name }}**? A “yes” is enough.\n\n{{ sender.name }}"
        ),
    },
    "00000000-0000-7000-8000-00000000002b": {
        "name": "2b Reminder, with an example",
        "subject": "The first idea for {{ business.name }}",
        "preheader": "It takes ten minutes to set up",
        "source": (
            "Hello {{ contact.first_name }},\n\nhere is the first of the three:\n\n"
            "> Answer new enquiries at once with what you can say already, and with when you will say the rest.\n\n"
            "The other two take a little explaining. Would you like to see them?\n\n{{ sender.name }}"
        ),
    },
    "00000000-0000-7000-8000-000000000003": {
        "name": "3 Goodbye",
        "subject": "I will not write again, {{ contact.first_name }}",
        "preheader": "Unless you want me to",
        "source": (
            "Hello {{ contact.first_name }},\n\nthis seems to be the wrong moment, and I will leave it at that. Should "
            "{{ business.name }} ever want to look into it, an answer to this mail reaches me.\n\n{{ sender.name }}"
        ),
    },
}
EMPTY = {
    "contact.first_name": {"rule": "fallback", "value": "there"},
    "business.industry": {"rule": "fallback", "value": "local"},
    "business.city": {"rule": "fallback", "value": "your town"},
    "business.website": {"rule": "send"},
    "business.name": {"rule": "fallback", "value": "your company"},
}


@dataclass(frozen=True)
class Import:
    """How the import ended."""

    rows: int
    counts: dict[str, int]


def make_sender(door: Door, smtp_port: int) -> None:
    """An SMTP account at the sink, and a From identity that sends through it."""
    config = {"host": "127.0.0.1", "port": smtp_port, "security": "none"}
    account = door.post("providers", {"name": "Local sink", "provider": "smtp", "config": config})
    door.post(
        "senders",
        {
            "name": "Grace Hopper",
            "address": "grace@autoloop-demo.example",
            "provider_account_id": account["id"],
            "postal_address": "AutoLoop Demo, 1 Main Street, Springfield",
        },
    )


def bring_in_contacts(door: Door, look: Callable[[dict[str, Any]], None]) -> Import:
    """Upload businesses.csv and let a worker take it in; `look` sees each state of the import."""
    path = example("businesses.csv")
    made = door.upload("imports", path.name, path.read_bytes(), "text/csv")
    place = f"imports/{made['id']}"
    door.post(f"{place}/mapping", {"mapping": made["mapping"], "options": {"consent": "granted"}})
    door.post(f"{place}/start")
    while True:
        state = door.get(place)
        look(state)
        if state["status"] == "completed":
            return Import(state["rows_done"], state["counts"])
        if state["status"] in ("failed", "cancelled"):
            raise RuntimeError(f"The import {state['status']}: {state['problem']}")


def make_workflow(door: Door) -> str:
    """Write the templates, bring the workflow in with seconds for days, publish it. Gives its id."""
    ids = {}
    for placeholder, written in TEMPLATES.items():
        made = door.post("templates", {"kind": "markdown", "field_rules": _rules(written), **written})
        ids[placeholder] = made["id"]
    read = json.loads(example("workflows/three-step-outreach.json").read_text())
    read = _in_seconds(replaced(read, ids))
    made = door.post(
        "workflows", {field: read[field] for field in ("name", "description", "graph", "triggers")}
    )
    door.post(f"workflows/{made['id']}/publish", {"note": f"A day lasts {DAY} seconds"})
    return str(made["id"])


def _rules(written: dict[str, Any]) -> dict[str, Any]:
    text = written["source"] + written["subject"]
    return {path: rule for path, rule in EMPTY.items() if path in text}


def _in_seconds(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get("unit") == "days" and "amount" in value:
            return {"amount": value["amount"] * DAY, "unit": "seconds"}
        return {key: _in_seconds(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_in_seconds(each) for each in value]
    return value
