"""A workspace with one of everything, made through the API and walked by the real engine."""

from __future__ import annotations

from autoloop.base.drain import drain
from autoloop.base.runtime import Runtime
from tests.factories import Client, Tenant

GRAPH = {
    "schema": 1,
    "nodes": [
        {"id": "hello", "type": "send_email", "config": {}},
        {
            "id": "answer",
            "type": "wait_for_event",
            "config": {"event": "email.replied", "timeout": {"amount": 2, "unit": "days"}},
        },
        {"id": "answered", "type": "add_tag", "config": {"tag": "answered"}},
        {"id": "silent", "type": "add_tag", "config": {"tag": "silent"}},
    ],
    "edges": [
        {"from": "hello", "port": "sent", "to": "answer"},
        {"from": "answer", "port": "next", "to": "answered"},
        {"from": "answer", "port": "timeout", "to": "silent"},
    ],
}


def seed(runtime: Runtime, api: Client, tenant: Tenant) -> dict[str, str]:
    """Businesses, contacts, a template, a sender, a live workflow, runs, and mail in the mailbox. Returns ids by kind."""
    made = {
        "business": api.post("businesses", {"name": "Fern Bakery", "domain": "fern.example"}).json["data"][
            "id"
        ]
    }
    contacts = [
        api.post(
            "contacts",
            {
                "email": f"{name.lower()}@fern.example".replace("ë", "e"),
                "first_name": name,
                "business_id": made["business"],
                "consent": {"marketing": "granted", "source": "tests"},
            },
        ).json["data"]["id"]
        for name in ("Ada", "Noor", "Zoë")
    ]
    made["contact"] = contacts[0]
    senders = api.data("senders")
    made["sender"] = (
        senders[0]["id"]
        if senders
        else api.post("senders", {"name": "Grace", "address": "grace@fern.example"}).json["data"]["id"]
    )
    made["template"] = api.post(
        "templates",
        {
            "name": "Hello",
            "subject": "Hello {{ contact.first_name }}",
            "kind": "markdown",
            "source": "Dear {{ contact.first_name }},\n\nwelcome.",
        },
    ).json["data"]["id"]
    graph = {**GRAPH, "nodes": [dict(node) for node in GRAPH["nodes"]]}
    graph["nodes"][0]["config"] = {"template_id": made["template"]}
    workflow = api.post(
        "workflows", {"name": "Welcome", "triggers": [{"type": "manual"}], "graph": graph}
    ).json["data"]["id"]
    made["workflow"] = workflow
    api.post(f"workflows/{workflow}/publish", {"note": "First"})
    api.post(f"workflows/{workflow}/enrol", {"contact_ids": contacts[:2]})
    work(runtime)
    return made


def work(runtime: Runtime) -> None:
    """All that is due now, until nothing more is."""
    kinds = [kind for kind in runtime.registrations.due_kinds if not kind.startswith("partition")]
    while sum(runtime.registrations.due_kinds[kind].work(runtime) for kind in kinds):
        for kind in kinds:
            drain(runtime, kind)
