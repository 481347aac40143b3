"""What is recorded when people and machines open tracked mail and follow its links, and who sees it."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import text
from webtest import TestApp

from autoloop.base.runtime import Runtime
from autoloop.embedded.smtp_sink import Sink
from tests.factories import Client, Tenant
from tests.functional.browser import Browser
from tests.functional.mail_world import MailWorld
from tests.functional.tracking_world import (
    CHROME,
    OFFERS,
    RECORDING,
    SOURCE,
    Reader,
    agreeing,
    counted,
    html_of,
    published,
    send,
    told,
    touch,
)

# However slow the machine: what was followed so far was followed right before.
JUST_NOW = """
update email_touches set last_at = now() + interval '1 minute',
  people_at = case when people_at is not null then now() + interval '1 minute' end
where workspace_id = :w and link > 1"""


WHILE_AGO = """
update email_touches set last_at = last_at - interval '1 minute', people_at = people_at - interval '1 minute'
where workspace_id = :w"""


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant, sink: Sink) -> MailWorld:
    return MailWorld(runtime, tenant, sink.port)


@pytest.fixture
def contact(world: MailWorld) -> UUID:
    return agreeing(world)


@pytest.fixture
def version(world: MailWorld, api: Client) -> UUID:
    return published(api)


@pytest.fixture
def arrived(world: MailWorld, sink: Sink, version: UUID, contact: UUID) -> tuple[UUID, Reader]:
    """A tracked mail that Ada got a while ago, in a workspace that records."""
    world.sql(RECORDING)
    id, message = send(world, sink, version, contact)
    world.sql("update email_logs set sent_at = now() - interval '1 minute' where workspace_id = :w")
    return id, Reader(html_of(message))


def test_opens_and_clicks_of_a_person_are_counted_and_told_once(
    app: TestApp, world: MailWorld, arrived: tuple[UUID, Reader], contact: UUID
) -> None:
    id, read = arrived
    for _ in range(3):
        touch(app, read.pictures[0])
        touch(app, read.links["Yours"])
    assert counted(world) == [(0, 3, 0), (2, 3, 0)]
    assert told(world) == [("email.opened", contact, None, False), ("email.clicked", contact, 2, False)]
    (data,) = world.sql("select data from events where workspace_id = :w and name = 'email.clicked'")[0]
    template = world.sql("select id from email_templates where workspace_id = :w")[0].id
    url = "https://shop.example/Ada/é?to=ada@example.org"
    assert data == {
        "email_id": str(id),
        "template_id": str(template),
        "link": 2,
        "url": url,
        "machine": False,
    }


def test_machines_are_told_apart_and_never_count_as_people(
    app: TestApp, world: MailWorld, arrived: tuple[UUID, Reader], contact: UUID
) -> None:
    _, read = arrived
    touch(app, read.pictures[0], "Mozilla/5.0")
    touch(
        app,
        read.pictures[0],
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    )
    touch(app, read.links["Offers"], method="HEAD")
    touch(app, read.links["Offers"], Sec_Purpose="prefetch;prerender")
    touch(app, read.links["Offers"], "")
    assert counted(world) == [(0, 0, 2), (1, 0, 3)]
    assert told(world) == [("email.opened", None, None, True), ("email.clicked", None, 1, True)]
    nobody = world.sql(
        "select data from events where workspace_id = :w and contact_id is null and data ? 'url'"
    )
    assert nobody == [], "an address may say whose it is"
    touch(app, read.links["Offers"])
    assert counted(world) == [(0, 0, 2), (1, 1, 3)]
    assert told(world)[2:] == [("email.clicked", contact, 1, False)], (
        "a person behind a machine is still news"
    )


def test_many_links_at_once_or_right_at_the_delivery_are_a_scanner(
    app: TestApp, world: MailWorld, sink: Sink, api: Client, contact: UUID
) -> None:
    world.sql(RECORDING)
    links = "".join(f'<a href="https://shop.example/{n}">L{n}</a>' for n in range(6))
    given = {"name": "Six", "kind": "html", "subject": "Hello", "source": f"<body>{links}</body>"}
    version = UUID(api.post("templates", given).json["data"]["version_id"])
    _, message = send(world, sink, version, contact)
    read = Reader(html_of(message))
    world.sql("update email_logs set sent_at = now() + interval '1 minute' where workspace_id = :w")
    touch(app, read.links["L0"])
    assert counted(world) == [(1, 0, 1)]
    world.sql("update email_logs set sent_at = now() - interval '1 minute' where workspace_id = :w")
    world.sql("update email_touches set last_at = last_at - interval '1 minute' where workspace_id = :w")
    for n in range(1, 6):
        touch(app, read.links[f"L{n}"])
        world.sql(JUST_NOW)
    assert sum(people for _, people, _ in counted(world)) == 0, "what it followed first is taken back"
    assert sum(machines for *_, machines in counted(world)) == 6


def test_a_scanner_that_comes_late_is_known_by_its_dress_its_haste_and_its_wake(
    app: TestApp, world: MailWorld, arrived: tuple[UUID, Reader], contact: UUID
) -> None:
    _, read = arrived
    offers, yours = read.links["Offers"], read.links["Yours"]
    touch(app, offers, Accept_Language="")  # says it is Chrome
    assert counted(world) == [(1, 0, 1)]
    touch(app, offers)  # of the same link: a gateway may have looked while the person waits
    assert counted(world) == [(1, 1, 1)]
    world.sql(WHILE_AGO)
    touch(app, yours, method="HEAD")
    touch(app, yours)
    assert counted(world) == [(1, 1, 1), (2, 1, 1)]
    world.sql("delete from email_touches where workspace_id = :w")
    touch(app, yours, method="HEAD")
    world.sql("update email_touches set last_at = now() - interval '2 seconds' where workspace_id = :w")
    touch(app, offers)  # too slow for haste, but right behind a machine
    assert counted(world) == [(1, 0, 1), (2, 0, 1)]
    world.sql("delete from email_touches where workspace_id = :w")
    touch(app, yours)
    world.sql(JUST_NOW)
    touch(app, offers)  # two links within a second: neither was a person
    assert counted(world) == [(1, 0, 1), (2, 0, 1)]
    world.sql("delete from email_touches where workspace_id = :w")
    touch(app, yours)
    world.sql(WHILE_AGO)
    touch(app, offers)
    assert counted(world) == [(1, 1, 0), (2, 1, 0)]


@pytest.mark.parametrize(
    "refuse",
    [
        "update business_contacts set consent_tracking = 'denied' where workspace_id = :w",
        "update business_contacts set consent_tracking = 'unknown' where workspace_id = :w",
        "update workspaces set settings = '{}' where id = :w",
        "update email_logs set kind = 'transactional' where workspace_id = :w",
        "update email_logs set is_tracked = false where workspace_id = :w",
    ],
)
def test_whoever_does_not_agree_now_is_not_recorded_and_still_arrives(
    app: TestApp, world: MailWorld, arrived: tuple[UUID, Reader], refuse: str
) -> None:
    _, read = arrived
    world.sql(refuse)
    touch(app, read.links["Offers"])
    touch(app, read.pictures[0])
    assert (counted(world), told(world)) == ([], [])


def test_browsers_that_ask_not_to_be_followed_are_not(
    app: TestApp, world: MailWorld, arrived: tuple[UUID, Reader]
) -> None:
    _, read = arrived
    touch(app, read.links["Offers"], Sec_GPC="1")
    touch(app, read.pictures[0], DNT="1")
    assert (counted(world), told(world)) == ([], [])


def test_a_click_goes_on_when_it_cannot_be_written_down(
    app: TestApp, world: MailWorld, arrived: tuple[UUID, Reader]
) -> None:
    """Another transaction holds the row: the click does not wait for it."""
    _, read = arrived
    touch(app, read.links["Offers"])
    with world.runtime.unit("worker") as services:
        services.session.execute(
            text("select 1 from email_touches where workspace_id = :w for update"), {"w": world.tenant.id}
        )
        answer = app.get(read.links["Offers"], headers={"User-Agent": CHROME})
        assert answer.headers["Location"] == OFFERS
    assert counted(world) == [(1, 1, 0)]


def test_who_sends_sees_opens_and_clicks_by_link(
    app: TestApp,
    wsgi: object,
    api: Client,
    world: MailWorld,
    arrived: tuple[UUID, Reader],
) -> None:
    id, read = arrived
    touch(app, read.pictures[0], "Mozilla/5.0")
    for name in ("Offers", "Offers", "Yours"):
        touch(app, read.links[name])
        world.sql(WHILE_AGO)
    found = api.data(f"emails/{id}")
    assert found["is_tracked"] is True
    assert [(each["what"], each["link"], each["people"], each["machines"]) for each in found["touches"]] == [
        ("open", None, 0, 1),
        ("click", 1, 2, 0),
        ("click", 2, 1, 0),
    ]
    assert found["touches"][1]["url"] == OFFERS
    (template,) = api.data("templates")
    api.patch(f"templates/{template['id']}", {"subject": "A second version"})
    first = api.data(f"templates/{template['id']}/clicks", version=1)
    assert (first["version"], first["opens"]["machines"], first["opens"]["emails"]) == (1, 1, 0)
    assert [(each["url"], each["emails"], each["people"]) for each in first["links"]] == [
        (OFFERS, 1, 2),
        ("https://shop.example/{{ contact.first_name }}/é?to={{ contact.email }}", 1, 1),
    ]
    assert [each["people"] for each in api.data(f"templates/{template['id']}/clicks")["links"]] == [0, 0]
    for version, status in (("9", 404), ("0", 400), ("x", 400), ("9" * 30, 400)):
        api.get(f"templates/{template['id']}/clicks", version=version, status=status)
    browser = Browser(wsgi, world.runtime, world.tenant.user_id)
    here = f"/w/{world.tenant.slug}"
    page = browser.get(f"{here}/emails/{id}/")
    assert OFFERS.replace("&", "&amp;") in page and "By machines" in page
    shown = browser.get(f"{here}/emails/{id}/preview")
    assert "/t/" not in shown.text.split("postal")[0].split("Main Street")[0], "looking at it here is no open"
    page = browser.get(f"{here}/templates/{template['id']}/clicks?version=1")
    assert OFFERS.replace("&", "&amp;") in page
    assert browser.get(f"{here}/templates/{template['id']}/clicks?version=77").status_int == 404


def test_a_template_and_a_workspace_say_whether_they_record(
    api: Client, wsgi: object, world: MailWorld
) -> None:
    given = {"name": "Quiet", "kind": "html", "subject": "Hello", "source": SOURCE}
    made = api.post("templates", given | {"is_tracked": False}).json["data"]
    assert made["is_tracked"] is False
    assert api.post(f"templates/{made['id']}/duplicate").json["data"]["is_tracked"] is False
    browser = Browser(wsgi, world.runtime, world.tenant.user_id)
    here = f"/w/{world.tenant.slug}"
    form = browser.get(f"{here}/templates/{made['id']}/").forms["template-form"]
    assert form["is_tracked"].value == "false"
    form["is_tracked"] = "true"
    form.submit()
    assert api.data(f"templates/{made['id']}")["is_tracked"] is True
    changed = api.patch(f"templates/{made['id']}", {"is_tracked": False}).json["data"]
    assert (changed["is_tracked"], changed["version"]) == (False, 2), "the form made one, this makes none"
    settings = f"/w/{world.tenant.slug}/settings"
    assert browser.api("GET", settings).json["data"]["tracking"] == "off"
    assert browser.api("PATCH", settings, {"tracking": "everybody"}).status_int == 400
    form = browser.get(settings).forms["settings"]
    form["tracking"] = "all"
    form.submit()
    assert browser.api("GET", settings).json["data"]["tracking"] == "all"


def test_consent_to_tracking_is_said_like_consent_to_mail(api: Client) -> None:
    id = api.post("contacts", {"email": "bo@example.org", "consent": {"tracking": "granted"}}).json["data"][
        "id"
    ]
    assert api.data(f"contacts/{id}")["consent"]["tracking"] == "granted"
    assert api.data(f"contacts/{id}")["consent"]["marketing"] == "unknown"
    api.post(f"contacts/{id}/consent", {"tracking": "denied", "source": "phone"})
    said = api.data(f"contacts/{id}/consents")
    assert [(each["what"], each["after"]) for each in said] == [
        ("tracking", "denied"),
        ("tracking", "granted"),
    ]
    api.post(f"contacts/{id}/consent", {"source": "phone"}, status=400)
    api.post(f"contacts/{id}/consent", {"tracking": "perhaps"}, status=400)
