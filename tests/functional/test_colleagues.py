"""The exit rule `colleague_replied`: if one person of a company replies, the others are left alone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from autoloop.base.ids import new_id
from autoloop.base.runtime import Runtime
from autoloop.businesses.models import Business
from tests.factories import Client, Tenant
from tests.functional.mail_world import MailWorld
from tests.functional.test_mail_workflow import Whole, template
from tests.unit.engine.graphs import graph


@pytest.fixture
def mail(runtime: Runtime, tenant: Tenant) -> MailWorld:
    return MailWorld(runtime, tenant)


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant, mail: MailWorld) -> Whole:
    return Whole(runtime, tenant.id)


def business(world: Whole, name: str) -> UUID:
    id = new_id()
    with world.runtime.unit("web", world.workspace_id) as services:
        services.session.add(Business(workspace_id=world.workspace_id, id=id, name=name))
    return id


def route(world: Whole) -> None:
    assert world.runtime.registrations.due_kinds["route"].work(world.runtime)


def test_a_reply_stops_the_runs_of_others_at_the_company_and_withdraws_their_mail(
    world: Whole, mail: MailWorld, api: Client
) -> None:
    acme, other = business(world, "Acme"), business(world, "Other")
    (ada,) = world.contacts(business_id=acme, first_name="Ada", last_name="Lowe")
    (bob,) = world.contacts(business_id=acme)
    (eve,) = world.contacts(business_id=other)
    (lone,) = world.contacts()
    step: Any = ("mail", "send_email", {"template_id": str(template(world, subject="Hello", source="Hi"))})
    with_rule = world.workflow(graph(step, exit_rules=["colleague_replied"]))
    without = world.workflow(graph(step))
    mail.sql("update senders set status = 'paused' where workspace_id = :w")
    people = [ada, bob, eve, lone]
    ruled = dict(zip(people, world.enrol(with_rule, people).started, strict=True))
    free = dict(zip(people, world.enrol(without, people).started, strict=True))
    world.settle()
    assert [row.status for row in mail.rows()] == ["intent"] * 8

    world.happen("email.replied", ada)
    route(world)
    withdrawn = {row.run_id for row in mail.rows() if row.status == "cancelled"}
    assert withdrawn == {ruled[bob]}, "the mail is withdrawn with the event, before any run is advanced"
    mail.sql("update senders set status = 'active' where workspace_id = :w")
    mail.make_due()
    world.settle()
    stopped = world.run(ruled[bob])
    assert (stopped.status, stopped.reason) == ("stopped", "colleague_replied")
    going = [world.run(run).status for run in (*free.values(), ruled[ada], ruled[eve], ruled[lone])]
    assert going == ["completed"] * 7, "who replied, people elsewhere and other workflows go on"
    assert sorted(row.status for row in mail.rows()) == ["accepted"] * 7 + ["cancelled"]
    told = api.data(f"runs/{ruled[bob]}/explain")
    assert told["end"]["sentence"] == "It was stopped: Ada Lowe of the same company replied."
