"""Tracked mail of workflows: who gets it, what a click does to runs, and what people say about it."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import UUID

import pytest
from webtest import TestApp

from autoloop.base.runtime import Runtime
from autoloop.mail.links import Links
from autoloop.mail.preview import rendered
from tests.factories import Tenant
from tests.functional.mail_world import MailWorld
from tests.functional.test_mail_workflow import Whole, template
from tests.functional.tracking_world import PERSON, counted
from tests.unit.engine.graphs import graph

SOURCE = '<body><a href="https://shop.example/a">A</a> <a href="https://shop.example/b">B</a></body>'
AGREED = {"first_name": "Ada", "locale": "en", "consent_marketing": "granted", "consent_tracking": "granted"}


@pytest.fixture
def mail(runtime: Runtime, tenant: Tenant) -> MailWorld:
    return MailWorld(runtime, tenant)


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant, mail: MailWorld) -> Whole:
    return Whole(runtime, tenant.id)


def record(mail: MailWorld, mode: str) -> None:
    mail.sql(
        "update workspaces set settings = settings || cast(:s as jsonb) where id = :w",
        s=json.dumps({"tracking": mode}),
    )


def flow(world: Whole, template_id: UUID, **config: Any) -> UUID:
    """Mail, then wait for a click."""
    return world.workflow(
        graph(
            ("mail", "send_email", {"template_id": str(template_id), **config}),
            ("click", "wait_for_event", {"event": "email.clicked"}),
            ("yes", "add_tag", {"tag": "keen"}),
            edges="mail:sent>click click:next>yes",
        )
    )


def links(mail: MailWorld) -> list[str]:
    """The addresses in the HTML of the one email there is."""
    (row,) = mail.rows()
    with mail.runtime.unit("web", mail.tenant.id) as services:
        letter = rendered(services, row.id)
    assert letter is not None
    assert letter.body_hash == row.body_hash
    return [
        each.removeprefix("http://localhost")
        for each in re.findall('(?:href|src)="([^"]*)"', letter.html or "")
    ]


@pytest.mark.parametrize(
    ("mode", "contact", "step", "of_template", "tracked"),
    [
        ("marketing", {}, {}, True, True),
        ("all", {}, {"kind": "transactional"}, True, True),
        ("off", {}, {}, True, False),
        ("marketing", {}, {"kind": "transactional"}, True, False),
        ("marketing", {"consent_tracking": "unknown"}, {}, True, False),
        ("all", {"consent_tracking": "denied"}, {}, True, False),
        ("marketing", {}, {"tracked": False}, True, False),
        ("marketing", {}, {}, False, False),
    ],
)
def test_everybody_has_to_agree(
    world: Whole,
    mail: MailWorld,
    mode: str,
    contact: dict[str, Any],
    step: dict[str, Any],
    of_template: bool,
    tracked: bool,
) -> None:
    record(mail, mode)
    (ada,) = world.contacts(**AGREED | contact)
    made = template(world, kind="html", source=SOURCE)
    mail.sql("update email_templates set is_tracked = :t where workspace_id = :w", t=of_template)
    world.enrol(flow(world, made, **step), [ada])
    world.settle()
    assert [row.is_tracked for row in mail.rows()] == [tracked]
    assert ("https://shop.example/a" in links(mail)) is not tracked


def test_a_click_ends_a_wait_once_and_a_machines_does_not(
    app: TestApp,
    world: Whole,
    mail: MailWorld,
) -> None:
    record(mail, "marketing")
    (ada,) = world.contacts(**AGREED)
    made = template(world, kind="html", source=SOURCE)
    started = world.workflow(
        graph(("w", "wait", {"amount": 1})), ("email_event", {"happens": "clicked", "template_id": str(made)})
    )
    (run,) = world.enrol(flow(world, made), [ada]).started
    world.settle()
    mail.sql("update email_logs set sent_at = now() - interval '1 minute' where workspace_id = :w")
    first = links(mail)[0]
    app.head(first, headers=PERSON)
    app.get(first, headers={"User-Agent": "Mozilla/5.0"})
    world.settle()
    assert (world.run(run).status, world.count("workflow_runs", f"workflow_id = '{started}'")) == (
        "waiting",
        0,
    )
    for _ in range(2):
        app.get(first, headers=PERSON)
        world.settle()
    assert world.path(run)[-2:] == ["click:next", "yes:next"]
    assert world.count("workflow_runs", f"workflow_id = '{started}'") == 1
    assert counted(mail) == [(1, 2, 2)]


def test_people_turn_it_off_see_it_and_take_it_along(
    app: TestApp,
    world: Whole,
    mail: MailWorld,
) -> None:
    record(mail, "marketing")
    (ada,) = world.contacts(**AGREED)
    world.enrol(flow(world, template(world, kind="html", source=SOURCE)), [ada])
    world.settle()
    (row,) = mail.rows()
    mail.sql("update email_logs set sent_at = now() - interval '1 minute' where workspace_id = :w")
    a, b = links(mail)[:2]
    app.get(a, headers=PERSON)
    tokens = Links("", mail.runtime.settings.secret_keys)
    link = f"/t/{tokens.token('preferences', mail.tenant.id, row.id)}"
    assert "You agreed to it" in app.get(f"{link}/why")
    page = app.get(f"{link}/preferences")
    form = page.forms["choices"]
    assert form["tracking"].checked
    form["tracking"].checked = False
    waiting = mail.intend(kind="marketing", contact_id=ada, is_tracked=True)
    form.submit().follow()
    assert [each.is_tracked for each in mail.rows(*waiting)] == [False], "what waits goes untracked"
    said = (
        "select after, source from consent_changes where workspace_id = :w and what = 'tracking' order by id"
    )
    assert [tuple(each) for each in mail.sql(said)] == [("granted", ""), ("denied", "preferences")]
    app.get(b, headers=PERSON, status=302)
    assert counted(mail) == [(1, 1, 0)]
    assert "Nothing is recorded" in app.get(f"{link}/why")
    export = f"/t/{tokens.token('export', mail.tenant.id, row.id)}"
    (kept,) = app.post(export).json["mail"]["opens_and_clicks"]
    assert (kept["what"], kept["link"], kept["times"]) == ("click", 1, 1)
    app.post(f"/t/{tokens.token('erase', mail.tenant.id, row.id)}")
    assert counted(mail) == []
    app.get(a, status=404)


def test_a_page_that_asks_nothing_about_tracking_takes_no_answer(
    app: TestApp,
    world: Whole,
    mail: MailWorld,
) -> None:
    (ada,) = world.contacts(**AGREED | {"consent_tracking": "unknown"})
    (id,) = mail.intend(kind="marketing", contact_id=ada)
    link = f"/t/{Links('', mail.runtime.settings.secret_keys).token('preferences', mail.tenant.id, id)}"
    assert "tracking" not in app.get(f"{link}/preferences").forms["choices"].fields
    app.post(f"{link}/preferences", {"tracking": "true"}, status=422)
    record(mail, "all")
    app.post(f"{link}/preferences", {})
    consent = "select consent_tracking from business_contacts where workspace_id = :w"
    assert mail.sql(consent)[0][0] == "unknown", "no answer is no no"
    app.post(f"{link}/preferences", {"tracking": "true"})
    assert mail.sql(consent)[0][0] == "granted"
