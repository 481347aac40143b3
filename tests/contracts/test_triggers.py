"""AutoLoop's own triggers keep the contract that authors test theirs with."""

from __future__ import annotations

from typing import Any

import pytest

from autoloop.plugins.forms import read_config
from autoloop.plugins.testing import TriggerContract
from autoloop.plugins.testing.fakes import NOW
from autoloop.plugins.triggers import Trigger, TriggerEvent
from autoloop_plugins.triggers.contact_updated import ContactUpdated
from autoloop_plugins.triggers.email_event import EmailEvent
from autoloop_plugins.triggers.event import EventTrigger
from autoloop_plugins.triggers.form import FormTrigger
from autoloop_plugins.triggers.incoming_webhook import IncomingWebhook
from autoloop_plugins.triggers.schedule import Schedule
from autoloop_plugins.triggers.tag_added import TagAdded
from autoloop_plugins.triggers.workflow_finished import WorkflowFinished

FLOW = "01890000-0000-7000-8000-000000000001"
LARGE = {"field": "event.data.amount", "op": "gt", "value": 100}


class TestContactUpdated(TriggerContract):
    trigger = ContactUpdated
    configs = ({}, {"fields": ["title", "fields.plan"]})
    bad_configs = ({"fields": "title"}, {"fields": ["no such field!"]}, {"fields": [None]})


class TestTagAdded(TriggerContract):
    trigger = TagAdded
    configs = ({}, {"tag": "vip"})
    bad_configs = ({"tag": ["vip"]}, {"tag": "x" * 101})


class TestEmailEvent(TriggerContract):
    trigger = EmailEvent
    configs = ({"happens": "opened"}, {"happens": "bounced", "workflow_id": FLOW})
    bad_configs = ({}, {"happens": "sent"}, {"happens": "opened", "workflow_id": "mine"})


class TestWorkflowFinished(TriggerContract):
    trigger = WorkflowFinished
    configs = ({"workflow_id": FLOW}, {"workflow_id": FLOW, "statuses": ["failed", "stopped"]})
    bad_configs = ({}, {"workflow_id": FLOW, "statuses": []}, {"workflow_id": FLOW, "statuses": ["active"]})


class TestEventWithCondition(TriggerContract):
    trigger = EventTrigger
    configs = ({"event": "order.paid", "condition": LARGE},)
    bad_configs = (
        {"event": "order.paid", "condition": {"field": "contact.title", "op": "exists"}},
        {"event": "order.paid", "condition": {"none": [{"email": "opened"}]}},
        {"event": "order.paid", "condition": {"field": "event.data.amount", "op": "gt", "value": "x"}},
        {"event": "order.paid", "condition": {"field": "variables.x", "op": "exists"}},
    )


class TestIncomingWebhook(TriggerContract):
    trigger = IncomingWebhook
    configs = ({"hook_id": FLOW}, {"hook_id": FLOW, "condition": LARGE})
    bad_configs = ({}, {"hook_id": "mine"}, {"hook_id": FLOW, "condition": {"event": "order.paid"}})


class TestForm(TriggerContract):
    trigger = FormTrigger
    configs = ({"form_id": FLOW}, {"form_id": FLOW, "condition": LARGE})
    bad_configs = ({}, {"form_id": "mine"})


class TestSchedule(TriggerContract):
    trigger = Schedule
    configs = (
        {"cron": "0 9 * * mon-fri"},
        {"cron": "@daily", "timezone": "Europe/Lisbon", "whom": "tag", "tag": "vip", "missed": "skip"},
        {"cron": "0 0 1 * *", "whom": "segment", "segment_id": FLOW},
    )
    bad_configs = (
        {},
        {"cron": "0 0 30 2 *"},
        {"cron": "nonsense"},
        {"cron": "@daily", "timezone": "Mars/Olympus"},
        {"cron": "@daily", "whom": "tag"},
        {"cron": "@daily", "whom": "segment"},
        {"cron": "@daily", "missed": "twice"},
    )


@pytest.mark.parametrize(
    ("trigger", "config", "name", "data", "taken"),
    [
        (ContactUpdated, {}, "contact.updated", {}, True),
        (ContactUpdated, {"fields": ["title"]}, "contact.updated", {"fields": ["phone", "title"]}, True),
        (ContactUpdated, {"fields": ["title"]}, "contact.updated", {"fields": ["phone"]}, False),
        (ContactUpdated, {"fields": ["title"]}, "contact.updated", {"fields": "title"}, False),
        (TagAdded, {"tag": "vip"}, "tag.added", {"tag": "vip"}, True),
        (TagAdded, {"tag": "vip"}, "tag.added", {"tag": "VIP"}, False),
        (EmailEvent, {"happens": "opened", "workflow_id": FLOW}, "email.opened", {"workflow_id": FLOW}, True),
        (EmailEvent, {"happens": "opened", "workflow_id": FLOW}, "email.opened", {}, False),
        (EmailEvent, {"happens": "opened", "template_id": FLOW}, "email.opened", {"template_id": FLOW}, True),
        (EmailEvent, {"happens": "opened", "template_id": FLOW}, "email.opened", {"template_id": "x"}, False),
        (WorkflowFinished, {"workflow_id": FLOW}, "", {"workflow_id": FLOW, "status": "completed"}, True),
        (WorkflowFinished, {"workflow_id": FLOW}, "", {"workflow_id": FLOW, "status": "failed"}, False),
        (IncomingWebhook, {"hook_id": FLOW}, "webhook.received", {"hook_id": FLOW}, True),
        (IncomingWebhook, {"hook_id": FLOW}, "webhook.received", {"hook_id": "another"}, False),
        (EventTrigger, {"event": "order.paid", "condition": LARGE}, "order.paid", {"amount": 101}, True),
        (EventTrigger, {"event": "order.paid", "condition": LARGE}, "order.paid", {"amount": 100}, False),
        (EventTrigger, {"event": "order.paid", "condition": LARGE}, "order.paid", {"amount": "101"}, False),
        (
            EventTrigger,
            {"event": "a", "match": {"plan": "pro"}, "condition": LARGE},
            "a",
            {"amount": 101},
            False,
        ),
    ],
)
def test_what_starts_a_run(
    trigger: type[Trigger], config: dict[str, Any], name: str, data: dict[str, Any], taken: bool
) -> None:
    made = trigger()
    assert made.accepts(TriggerEvent(name, data, NOW), read_config(made, config)) is taken
