"""Files of templates: taken or refused, kept by version, shown in the text or attached, and sent as they are."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import text

from autoloop.base.runtime import Runtime
from autoloop.embedded.smtp_sink import Sink
from tests.factories import Client, Tenant
from tests.functional.browser import Browser
from tests.functional.mail_world import MailWorld, drain

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
PDF = b"%PDF-1.7\n" + b"\r\n.\r\n" * 300
BODY = '<p>Hi</p><img src="cid:logo-grosse.png" alt="Logo"><img src="cid:none.png" alt="">'


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant, sink: Sink) -> MailWorld:
    return MailWorld(runtime, tenant, sink.port)


@pytest.fixture
def made(api: Client) -> dict[str, Any]:
    given = {"name": "Offer", "kind": "html", "subject": "An offer", "source": BODY}
    return api.post("templates", given | {"headers": {"X-Campaign": "Frühling"}}).json["data"]


def put(api: Client, id: str, *files: tuple[str, bytes], status: int = 201) -> Any:
    kind, body = api.app.encode_multipart([], [("file", name, octets) for name, octets in files])
    answer = api.call("POST", f"templates/{id}/files", body, headers={"Content-Type": kind}, status=status)
    return answer.json["data"] if status == 201 else answer.json


def read(data: bytes) -> EmailMessage:
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_files_travel_with_the_mail_in_the_places_they_belong(
    world: MailWorld, sink: Sink, api: Client, made: dict[str, Any]
) -> None:
    whole = put(api, made["id"], ("Logo Größe.png", PNG), ("Angebot „2026“.pdf", PDF))
    assert whole["version"] == 2
    assert [(each["name"], each["kind"], each["cid"]) for each in whole["files"]] == [
        ("Logo Größe.png", "image/png", "logo-grosse.png"),
        ("Angebot „2026“.pdf", "application/pdf", None),
    ]
    for version in (made["version_id"], whole["version_id"]):
        world.intend(content=None, template_version_id=version, to_address=f"{version}@example.org")
    drain(world.runtime)
    bare, full = (read(mail.data) for mail in sorted(sink.mails, key=lambda mail: len(mail.data)))
    assert bare.get_content_type() == "multipart/alternative", "the first version stays as it was"
    assert full["X-Campaign"] == bare["X-Campaign"] == "Frühling"
    kinds = [part.get_content_type() for part in full.walk()]
    assert kinds == [
        *("multipart/mixed", "multipart/alternative", "text/plain"),
        *("multipart/related", "text/html", "image/png", "application/pdf"),
    ]
    html = full.get_body(("html",)).get_content()
    (picture,) = (part for part in full.walk() if part["Content-ID"])
    assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in html and "cid:none.png" in html
    assert picture.get_content() == PNG
    (attached,) = full.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("Angebot „2026“.pdf", PDF)
    data = max((mail.data for mail in sink.mails), key=len)
    assert max(map(len, data.split(b"\r\n"))) <= 998 and data.isascii()
    assert data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r")


def test_versions_keep_their_files_and_contents_are_kept_once(
    runtime: Runtime, api: Client, tenant: Tenant, made: dict[str, Any]
) -> None:
    put(api, made["id"], ("a.png", PNG), ("b.pdf", PDF))
    put(api, made["id"], ("again.png", PNG))
    copy = api.post(f"templates/{made['id']}/duplicate", {}).json["data"]
    names = ["a.png", "b.pdf", "again.png"]
    assert [each["name"] for each in copy["files"]] == names
    assert copy["headers"] == {"X-Campaign": "Frühling"}
    api.delete(f"templates/{made['id']}/files/b.pdf")
    assert [each["name"] for each in api.data(f"templates/{made['id']}/files")] == ["a.png", "again.png"]
    api.delete(f"templates/{made['id']}/files/b.pdf", status=404)
    assert [each["name"] for each in api.data(f"templates/{made['id']}/versions/3")["files"]] == names
    back = api.post(f"templates/{made['id']}/versions/3/restore").json["data"]
    assert [each["name"] for each in back["files"]] == names
    saved = api.get(f"templates/{made['id']}/files/b.pdf")
    assert saved.body == PDF and saved.content_type == "application/octet-stream"
    assert saved.headers["Content-Disposition"].startswith("attachment")
    with runtime.unit("web", tenant.id) as services:
        assert services.session.execute(text("select count(*) from email_template_files")).scalar() == 2


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("run.exe", b"MZ", "can be run"),
        ("run.pdf.JS", b"x", "can be run"),
        ("run.exe. ", b"MZ", "can be run"),
        ("report.pdf", b"MZ" + bytes(60) + b"PE\0\0", "can be run"),
        ("logo.png", b"<svg/>", "holds none"),
        ("empty.txt", b"", "is empty"),
        ("a\u202egnp.txt", b"x", "nobody sees"),
        ("x" * 151, b"x", "1 to 150"),
        ("big.bin", b"x" * 10_000_001, "10 MB"),
    ],
)
def test_what_mail_must_not_carry_is_refused(
    api: Client, made: dict[str, Any], name: str, body: bytes, said: str
) -> None:
    answer = put(api, made["id"], ("fine.txt", b"fine"), (name, body), status=400)
    assert said in str(answer["details"]["file"])
    assert api.data(f"templates/{made['id']}")["version"] == 1, "all are taken, or none"


def test_there_are_limits_to_how_many_and_how_large(api: Client, made: dict[str, Any]) -> None:
    many = [(f"{n}.txt", b"x") for n in range(11)]
    assert "10 files" in str(put(api, made["id"], *many, status=400)["details"]["file"])
    put(api, made["id"], *many[:10])
    assert "10 files" in str(put(api, made["id"], many[10], status=400)["details"]["file"])
    assert "already" in str(put(api, made["id"], ("0.TXT", b"y"), status=400)["details"]["file"])
    put(api, made["id"], ("huge.bin", b"x" * 10_200_000), status=413)
    api.call(
        "POST", f"templates/{made['id']}/files", b"x", headers={"Content-Type": "text/plain"}, status=415
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"Bcc": "x@y.z"},
        {"X-AutoLoop-Email": "x"},
        {"X-SMTPAPI": "{}"},
        {"x-pm-tag": "x"},
        {"DKIM-Signature": "x"},
        {"X-A": "a\r\nBcc: x@y.z"},
        {"X-A": "a\u202eb"},
        {"X A": "a"},
        {"X-A\r\nBcc": "a"},
        {"X-A": ""},
        {"X-A": "a" * 501},
        {"X-A": "a", "x-a": "b"},
        {f"X-{n}": "a" for n in range(11)},
        {"X-" + "a" * 70: "a"},
    ],
)
def test_headers_are_of_a_list_and_of_one_line(
    api: Client, made: dict[str, Any], headers: dict[str, str]
) -> None:
    sender = {"name": "Ada", "address": "ada@example.org", "headers": headers}
    assert api.post("senders", sender, status=400).json["details"]["headers"]
    answer = api.patch(f"templates/{made['id']}", {"headers": headers}, status=400).json
    assert answer["details"]["headers"]
    assert api.data(f"templates/{made['id']}")["version"] == 1


def test_a_sender_has_headers_for_all_its_mail(
    wsgi: object, runtime: Runtime, tenant: Tenant, world: MailWorld, sink: Sink, made: dict[str, Any]
) -> None:
    browser, at = Browser(wsgi, runtime, tenant.user_id), f"/w/{tenant.slug}/senders/{world.sender_id}/"
    given = {"name": "Ada", "timezone": "UTC", "status": "active"}
    saved = browser.post(at, headers="X-Team: Gärten\nx-campaign: other", **given)
    assert saved.status_int == 303 and "X-Team: Gärten" in browser.get(at).text
    refused = browser.post(at, headers="X-Team: a\nnonsense", **given)
    assert "cannot be set" in refused.text and "nonsense" in refused.text
    world.intend(content=None, template_version_id=made["version_id"])
    world.intend(to_address="ada@example.org")
    drain(runtime)
    first, second = (read(mail.data) for mail in sink.mails)
    assert (first["X-Team"], first.get_all("X-Campaign")) == ("Gärten", ["Frühling"])
    assert (second["X-Team"], second.get_all("X-Campaign")) == ("Gärten", ["other"])


def test_the_editor_takes_files_and_shows_them(
    wsgi: object, runtime: Runtime, tenant: Tenant, api: Client, made: dict[str, Any]
) -> None:
    browser = Browser(wsgi, runtime, tenant.user_id)
    at = f"/w/{tenant.slug}/templates/{made['id']}"
    sent = {"csrf_token": browser.token()}
    added = browser.app.post(f"{at}/files/", sent, upload_files=[("file", "Logo Größe.png", PNG)])
    assert added.status_int == 303
    page = browser.get(at).text
    assert "Logo Größe.png" in page and "in the text" in page and "X-Campaign: Frühling" in page
    assert "data:image/png;base64," in browser.get(f"{at}/preview").text
    bad = browser.app.post(f"{at}/files/", sent, upload_files=[("file", "x.exe", b"MZ")], status="*")
    assert bad.status_int in (400, 422) and "can be run" in bad.text and "An offer" in bad.text
    refused = browser.post(
        at, name="Offer", subject="New words", source="x", headers="Bcc: a@b.c", status="*"
    )
    assert "cannot be set" in refused.text and "New words" in refused.text
    gone = browser.post(f"{at}/files/Logo%20Gr%C3%B6%C3%9Fe.png/remove")
    assert gone.status_int == 303 and api.data(f"templates/{made['id']}/files") == []


def test_the_mailbox_shows_what_came_along(
    wsgi: object, runtime: Runtime, tenant: Tenant, api: Client, made: dict[str, Any]
) -> None:
    whole = put(api, made["id"], ("Logo Größe.png", PNG), ("Angebot.pdf", PDF))
    world = MailWorld(runtime, tenant)
    (id,) = world.intend(
        content=None, template_version_id=whole["version_id"], to_address="пример@bücher.example"
    )
    drain(runtime)
    assert world.rows(id)[0].status == "accepted"
    (mail,) = api.data("mailbox")
    headers = dict(api.data(f"mailbox/{mail['id']}")["headers"])
    assert headers["To"] == "пример@xn--bcher-kva.example"
    browser = Browser(wsgi, runtime, tenant.user_id)
    at = f"/w/{tenant.slug}/mailbox/{mail['id']}"
    page = browser.get(at).text
    assert "Logo Größe.png" in page and "Angebot.pdf" in page
    for shown in (f"{at}/preview", f"/w/{tenant.slug}/emails/{id}/preview"):
        assert "data:image/png;base64," in browser.get(shown).text
