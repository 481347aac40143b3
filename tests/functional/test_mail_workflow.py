"""Workflows and mail together: from a step's wish to the mailbox, and from the world's answer back."""

from __future__ import annotations

import email
import email.policy
from typing import Any
from uuid import UUID

import pytest

from autoloop.base.ids import new_id
from autoloop.base.runtime import Runtime
from autoloop.engine.requests import EmailRequest
from autoloop.engine.services.inbox import Inbox
from autoloop.engine.services.runs import Runs
from autoloop.mail.inbound.taking import take
from autoloop.mail.models import Email
from autoloop.mail.services.attribution import attribute
from autoloop.mail.services.history import email_history
from autoloop.mail.services.lookups import look_up
from autoloop.mail.services.system import send_system_mail
from autoloop.mail.services.unsubscribing import Unsubscribing
from autoloop.mail.templates.services import Templates
from autoloop.plugins.email import EventKind, ProviderEvent
from tests.factories import Tenant
from tests.functional.engine_world import World
from tests.functional.mail_world import MailWorld
from tests.unit.engine.graphs import graph


class Whole(World):
    """An engine world whose mail is real."""

    def __post_init__(self) -> None:
        """Nothing is faked."""

    def settle(self) -> None:
        kinds = [
            self.runtime.registrations.due_kinds[name] for name in ("route", "advance", "perform", "mail")
        ]
        while sum(kind.work(self.runtime) for kind in kinds):
            pass


@pytest.fixture
def mail(runtime: Runtime, tenant: Tenant) -> MailWorld:
    return MailWorld(runtime, tenant)


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant, mail: MailWorld) -> Whole:
    return Whole(runtime, tenant.id)


def template(world: World, **given: Any) -> UUID:
    values = {
        "name": "Hello",
        "kind": "markdown",
        "subject": "Hello {{ contact.first_name }}",
        "source": "Dear {{ contact.first_name }} of {{ business.name | default: 'your company' }}",
    } | given
    with world.runtime.unit("web", world.workspace_id) as services:
        return services(Templates).create(values).template.id


def flow(world: World, template_id: UUID, **config: Any) -> UUID:
    steps = graph(
        ("mail", "send_email", {"template_id": str(template_id), **config}),
        ("yes", "add_tag", {"tag": "mailed"}),
        ("no", "add_tag", {"tag": "not mailed"}),
        edges="mail:sent>yes mail:skipped>no mail:failed>no",
    )
    return world.workflow(steps)


def captured(mail: MailWorld) -> list[Any]:
    rows = mail.sql("select raw from mailbox_messages where workspace_id = :w order by id")
    return [email.message_from_bytes(bytes(raw), policy=email.policy.default) for (raw,) in rows]


def test_a_step_asks_mail_sends_and_the_run_goes_on(world: Whole, mail: MailWorld) -> None:
    (ada,) = world.contacts(first_name="Ada", last_name="Löwe")
    workflow = flow(world, template(world))
    (run,) = world.enrol(workflow, [ada]).started
    world.settle()
    assert world.path(run) == ["mail:sent", "yes:next"]
    assert world.run(run).status == "completed"
    (message,) = captured(mail)
    assert message["Subject"] == "Hello Ada"
    assert message["To"].addresses[0].display_name == "Ada Löwe"
    assert "Dear Ada of your company" in message.get_body(("plain",)).get_content()
    (row,) = mail.rows()
    assert row.send_key == f"run:{run}:mail:1"
    assert row.context["contact"] == {"first_name": "Ada"}, "only what the template reads is kept"
    with world.runtime.unit("worker") as services:
        history = email_history(services, [(world.workspace_id, ada)])
    assert [(each["node"], each["status"]) for each in history[ada]] == [("mail", "accepted")]


@pytest.mark.parametrize(
    ("contact", "source", "reason"),
    [
        ({"email": None, "email_normal": ""}, "Hi", "The contact has no address"),
        ({"first_name": ""}, "Dear {{ contact.first_name }}", "Empty for this person: contact.first_name"),
        ({"consent_marketing": "denied"}, "Hi", "No consent to marketing mail"),
        ({"status": "unsubscribed"}, "Hi", "The contact is unsubscribed"),
    ],
)
def test_who_cannot_or_must_not_be_mailed_is_skipped_and_the_run_goes_on(
    world: Whole, mail: MailWorld, contact: dict[str, Any], source: str, reason: str
) -> None:
    (ada,) = world.contacts()
    mail.sql("update business_contacts set first_name = 'Ada' where workspace_id = :w")
    for column, value in contact.items():
        mail.sql(f"update business_contacts set {column} = :v where workspace_id = :w", v=value)
    workflow = flow(world, template(world, subject="Hello", source=source))
    (run,) = world.enrol(workflow, [ada]).started
    world.settle()
    assert world.path(run) == ["mail:skipped", "no:next"]
    (row,) = mail.rows()
    assert (row.status, row.reason) == ("skipped", reason)
    assert captured(mail) == []


def test_ending_a_run_calls_off_mail_that_is_not_on_its_way(world: Whole, mail: MailWorld) -> None:
    (ada,) = world.contacts(first_name="Ada")
    mail.sql("update senders set status = 'paused' where workspace_id = :w")
    (run,) = world.enrol(flow(world, template(world)), [ada]).started
    world.settle()
    assert [row.status for row in mail.rows()] == ["intent"]
    with world.runtime.unit("web", world.workspace_id) as services:
        services(Runs).cancel([run])
    assert [row.status for row in mail.rows()] == ["cancelled"]
    mail.sql("update senders set status = 'active' where workspace_id = :w")
    mail.make_due()
    world.settle()
    assert captured(mail) == []


def emails(mail: MailWorld) -> Email:
    (row,) = mail.rows()
    return row


@pytest.mark.parametrize(
    ("event", "data", "status", "listed", "contact"),
    [
        ("email.delivered", {}, "delivered", [], ("active", "unknown")),
        ("email.opened", {}, "accepted", [], ("active", "unknown")),
        ("email.bounced", {"diagnostic": "550 gone"}, "bounced", ["bounced"], ("bounced", "unknown")),
        ("email.bounced", {"type": "soft"}, "accepted", [], ("active", "unknown")),
        ("email.complained", {}, "complained", ["complained"], ("complained", "denied")),
        ("email.unsubscribed", {}, "accepted", ["unsubscribed"], ("unsubscribed", "denied")),
    ],
)
def test_what_the_world_says_of_an_email(
    world: Whole,
    mail: MailWorld,
    event: str,
    data: dict[str, Any],
    status: str,
    listed: list[str],
    contact: tuple[str, str],
) -> None:
    (ada,) = world.contacts(first_name="Ada")
    world.enrol(flow(world, template(world)), [ada])
    world.settle()
    for _ in range(2):
        world.happen(event, ada, {"email_id": str(emails(mail).id), **data})
    world.settle()
    assert emails(mail).status == status
    assert [row[0] for row in mail.sql("select reason from suppressions where workspace_id = :w")] == listed
    assert mail.sql("select status, consent_marketing from business_contacts where workspace_id = :w") == [
        contact
    ]


def test_an_event_settles_an_unknown_email_and_frees_its_run(world: Whole, mail: MailWorld) -> None:
    (ada,) = world.contacts(first_name="Ada")
    mail.sql("update senders set status = 'paused' where workspace_id = :w")
    (run,) = world.enrol(flow(world, template(world)), [ada]).started
    world.settle()
    mail.sql("update email_logs set status = 'unknown' where workspace_id = :w")
    world.happen("email.delivered", ada, {"email_id": str(emails(mail).id)})
    world.settle()
    assert emails(mail).status == "delivered"
    assert world.path(run) == ["mail:sent", "yes:next"]


@pytest.mark.parametrize(
    "data",
    [{}, {"email_id": None}, {"email_id": 7}, {"email_id": "x"}, {"email_id": "0190c0de-0000-7000-8000-000000000000"},
     {"email_id": {"$ne": 1}, "diagnostic": "a\x00b"}],
)  # fmt: skip
def test_events_that_name_no_email_of_ours_harm_nothing(
    world: Whole, mail: MailWorld, data: dict[str, Any]
) -> None:
    (ada,) = world.contacts()
    world.happen("email.bounced", ada, data)
    world.happen("email.delivered", ada, data)
    world.settle()
    assert mail.sql("select reason from suppressions where workspace_id = :w") == [("bounced",)]
    assert mail.sql("select count(*) from events where workspace_id = :w and pending") == [(0,)]


def test_an_event_cannot_reach_into_another_tenant(world: Whole, mail: MailWorld, runtime: Runtime) -> None:
    from tests.factories import make_tenant

    (ada,) = world.contacts(first_name="Ada")
    world.enrol(flow(world, template(world)), [ada])
    world.settle()
    other = Whole(runtime, make_tenant(runtime).id)
    (eve,) = other.contacts()
    other.happen("email.complained", eve, {"email_id": str(emails(mail).id)})
    other.settle()
    assert emails(mail).status == "accepted"
    assert mail.sql("select reason from suppressions where workspace_id = :w") == []


def test_system_mail_is_sent_once_per_purpose_and_key(runtime: Runtime) -> None:
    from autoloop.mail.delivery import deliver

    for _ in range(2):
        with runtime.unit("web") as services:
            send_system_mail(
                services,
                purpose="invitation",
                key="42",
                to="ada@example.org",
                subject="Welcome",
                body="Come in.",
            )
    while deliver(runtime):
        pass
    with runtime.unit("worker") as services:
        from sqlalchemy import text

        found = services.session.execute(
            text("select status, subject from email_logs where send_key = 'system:invitation:42'")
        ).all()
    assert found == [("accepted", "Welcome")]


def test_limits_of_a_step_are_judged_right_before_the_mail_goes(world: Whole, mail: MailWorld) -> None:
    hello, other = template(world), template(world, name="Other", subject="For {{ run.who }}")
    (ada,) = world.contacts(1, first_name="Ada")
    first = flow(world, hello, kind="transactional")
    world.enrol(first, [ada])
    world.settle()
    again = flow(world, hello, kind="transactional", once=True)
    soon = flow(world, other, kind="transactional", cooldown_hours=2)
    who = [{"name": "who", "value": "{{ contact.first_name | upcase }}"}]
    free = flow(world, other, kind="transactional", once=True, variables=who)
    for workflow in (again, soon, free):
        world.enrol(workflow, [ada])
    world.settle()
    with world.runtime.unit("worker") as services:
        query = services.session.query(Email).filter(Email.workspace_id == world.workspace_id)
        found = {each.workflow_id: each for each in query}
    assert (found[again].status, found[again].reason) == (
        "skipped",
        "This template was sent to the contact before",
    )
    assert (found[soon].status, found[soon].reason) == (
        "skipped",
        "Another email went to the contact within 2 hours",
    )
    assert (found[free].status, found[free].subject) == ("accepted", "For ADA")


def test_what_a_reporter_says_of_an_email_stays_and_only_the_rest_is_filled_in(
    world: Whole, mail: MailWorld
) -> None:
    (ada,) = world.contacts(first_name="Ada")
    mine = template(world)
    world.enrol(flow(world, mine), [ada])
    world.settle()
    (row,) = mail.rows()
    said: list[dict[str, Any]] = [
        {},
        {"node": "elsewhere", "template_id": "theirs"},
        {"email_id": str(row.id)},
        {"email_id": "no-id-of-ours"},
        {"email_id": str(new_id())},
    ]
    with world.runtime.unit("worker", world.workspace_id) as services:
        told = attribute(services, [("email.opened", ada, data) for data in said])
    full = {
        "email_id": str(row.id),
        "run_id": str(row.run_id),
        "workflow_id": str(row.workflow_id),
        "node": row.node,
        "template_id": str(mine),
    }
    assert told == [full, full | said[1], full, said[3], said[4]]


def test_a_step_sends_the_version_it_names_or_the_current_one_and_reads_no_other(
    world: Whole, mail: MailWorld
) -> None:
    (ada,) = world.contacts(first_name="Ada")
    mine = template(world)
    with world.runtime.unit("web", world.workspace_id) as services:
        for number in (2, 3, 4):
            services(Templates).change(services(Templates).find(mine), {"subject": f"Version {number}"})
    for config in ({}, {"template_version": 2}):
        world.enrol(flow(world, mine, **config), [ada])
    world.settle()
    assert {row.subject for row in mail.rows()} == {"Version 2", "Version 4"}
    (row, *_) = mail.rows()
    ids = (world.workspace_id, row.run_id, ada, row.workflow_id, row.workflow_id, "mail", 1, mine)
    with world.runtime.unit("worker", world.workspace_id) as services:
        found = look_up(services.session, [EmailRequest(*ids, number) for number in (None, 3)])
    assert {key[2]: version.number for key, version in found.versions.items()} == {None: 4, 4: 4, 3: 3}


@pytest.mark.parametrize("way", ["reported", "by provider", "by link"])
def test_a_run_starts_by_what_becomes_of_mail_of_one_template(
    world: Whole, mail: MailWorld, way: str
) -> None:
    (ada,) = world.contacts(first_name="Ada")
    mine, other = template(world), template(world, name="Other")
    happens = "unsubscribed" if way == "by link" else "opened"
    started = [
        world.workflow(
            graph(("w", "wait", {"amount": 1})), ("email_event", {"happens": happens, "template_id": str(id)})
        )
        for id in (mine, other)
    ]
    world.enrol(flow(world, mine), [ada])
    world.settle()
    (row,) = mail.rows()
    with world.runtime.unit("web", world.workspace_id) as services:
        if way == "reported":
            event = {"name": "email.opened", "contact_id": str(ada), "source": "tests"}
            services(Inbox).accept([event])
        elif way == "by provider":
            told = ProviderEvent(EventKind.OPENED, id="1", key=str(row.id))
            assert take(services, "mailbox", mail.account_id, [told]) == 1
        else:
            services(Unsubscribing).unsubscribe(row)
    world.settle()
    counts = [world.count("workflow_runs", f"workflow_id = '{each}'") for each in started]
    assert counts == [1, 0]
