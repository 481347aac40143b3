"""What is walked while workers die: a workspace, its contacts, and the three-step outreach in seconds."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from autoloop.base.ids import new_id
from autoloop.base.runtime import Runtime
from autoloop.businesses.models import Contact
from autoloop.demo.files import example
from autoloop.engine.services.enrolment import enrol
from autoloop.engine.services.inbox import Inbox
from autoloop.mail.services.accounts import ProviderAccounts
from autoloop.mail.services.senders import Senders
from autoloop.mail.templates.services import Templates
from autoloop.workflows.exchange import replaced
from autoloop.workflows.services import Life, Workflows
from tests.factories import Tenant

__all__ = ["World", "make_world"]

SECONDS = 1


@dataclass(frozen=True)
class World:
    """One tenant with its published workflow."""

    runtime: Runtime
    tenant: Tenant
    workflow_id: UUID

    def enter(self, runs: int) -> None:
        """New contacts, and a run for each."""
        rows: list[dict[str, Any]] = [
            {
                "workspace_id": self.tenant.id,
                "id": new_id(),
                "first_name": name,
                "email": f"{name}@crash.example",
                "email_normal": f"{name}@crash.example",
            }
            for name in (f"p{secrets.token_hex(6)}" for _ in range(runs))
        ]
        with self.runtime.unit("web", self.tenant.id) as services:
            services.session.execute(insert(Contact), rows)
            enrol(services, self.workflow_id, [row["id"] for row in rows])
            services.nudge("advance")

    def reply(self, mails: Sequence[tuple[str, str]]) -> None:
        """These (Message-ID, address) are answered."""
        events = [
            {
                "name": "email.replied",
                "email": address,
                "data": {"email_id": message_id.strip("<>").partition("@")[0]},
                "source": "crash",
                "id": message_id,
            }
            for message_id, address in mails
        ]
        if events:
            with self.runtime.unit("web", self.tenant.id) as services:
                services(Inbox).accept(events)


def make_world(runtime: Runtime, tenant: Tenant, smtp_port: int) -> World:
    """A sender at the sink, four templates, and the example workflow with a second for a day."""
    with runtime.unit("web", tenant.id) as services:
        services.user_id = tenant.user_id
        config = {"host": "127.0.0.1", "port": smtp_port, "security": "none", "connections": 4}
        services(ProviderAccounts).create({"name": "sink", "provider": "smtp", "config": config})
        services(Senders).create({"name": "Ada", "address": "ada@crash.example"})
        read = json.loads(example("workflows/three-step-outreach.json").read_text())
        names = [
            node["config"]["template_id"] for node in read["graph"]["nodes"] if node["type"] == "send_email"
        ]
        written: dict[str, Any] = {
            "kind": "markdown",
            "subject": "Hello {{ contact.first_name }}",
            "preheader": "",
            "source": "Hello.",
        }
        written |= {"text_source": None, "field_rules": {}}
        ids = {name: str(services(Templates).create({"name": name, **written}).template.id) for name in names}
        read = _in_seconds(replaced(read, ids))
        workflow = services(Workflows).create(read["name"], graph=read["graph"], triggers=read["triggers"])
        services(Life).publish(workflow.id)
        return World(runtime, tenant, workflow.id)


def _in_seconds(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get("unit") == "days":
            return {"amount": value["amount"] * SECONDS, "unit": "seconds"}
        return {key: _in_seconds(each) for key, each in value.items()}
    return [_in_seconds(each) for each in value] if isinstance(value, list) else value
