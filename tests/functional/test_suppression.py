"""Suppression: lists as files, domains, and what nobody in the installation may mail."""

from __future__ import annotations

import csv

import pytest
from sqlalchemy import text

from autoloop.base.runtime import Runtime
from autoloop.mail.services import suppression_files
from autoloop.mail.views import suppression_lists
from tests.factories import Client, Tenant
from tests.functional.browser import Browser
from tests.functional.mail_world import MailWorld, drain

CSV = {"Content-Type": "text/csv"}


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant) -> MailWorld:
    return MailWorld(runtime, tenant)


@pytest.fixture
def admin(wsgi: object, runtime: Runtime, tenant: Tenant) -> Browser:
    with runtime.unit("web") as services:
        services.session.execute(
            text("update users set is_admin = true where id = :id"), {"id": tenant.user_id}
        )
    return Browser(wsgi, runtime, tenant.user_id)


def fates(world: MailWorld, *addresses: str) -> list[tuple[str, str | None]]:
    ids = [world.intend(to_address=address)[0] for address in addresses]
    drain(world.runtime)
    rows = {row.id: row for row in world.rows(*ids)}
    return [(rows[id].status, rows[id].reason) for id in ids]


def test_a_list_comes_in_with_reasons_and_goes_out_again(api: Client, world: MailWorld) -> None:
    file = (
        "\ufeffEmail;Reason;Note\nAda@Example.org;bounced;gone\nada@example.org;bounced;twice\n"
        "bob@example.org;;\n@evil.example;manual;all of them\nno-address;;\neve@example.org;because;\n\n"
    )
    told = api.post("suppressions/import", file.encode(), headers=CSV).json["data"]
    assert {name: told[name] for name in ("read", "added", "known", "rejects")} == {
        "read": 6, "added": 3, "known": 1, "rejects": 2,
    }  # fmt: skip
    assert [(each["line"], each["value"]) for each in told["rejected"]] == [
        (6, "no-address"),
        (7, "eve@example.org"),
    ]
    assert api.post("suppressions/import", file.encode(), headers=CSV).json["data"]["added"] == 0
    rows = list(csv.reader(api.get("suppressions/export").text.splitlines()))
    assert [row[:3] for row in rows] == [
        ["address", "reason", "note"],
        ["ada@example.org", "bounced", "gone"],
        ["bob@example.org", "manual", ""],
        ["'@evil.example", "manual", "all of them"],
    ]
    assert (
        api.post("suppressions/import", api.get("suppressions/export").body, headers=CSV).json["data"][
            "known"
        ]
        == 3
    )
    assert fates(world, "ADA@example.org", "any@EVIL.example", "any@not-evil.example") == [
        ("skipped", "Suppressed: bounced"),
        ("skipped", "Suppressed: manual"),
        ("accepted", None),
    ]


def test_a_long_list_is_taken_whole_and_one_that_breaks_off_not_at_all(api: Client, world: MailWorld) -> None:
    lines = [f"person{n % 2100}@example.org,,a\tnote\n" for n in range(2300)]
    file = "email,reason,note\n" + "".join(lines)
    broken = file + "x" * 200_000
    refused = api.post("suppressions/import", broken.encode(), headers=CSV, status=400)
    assert refused.json["details"]["file"] and api.data("suppressions") == []
    told = api.post("suppressions/import", file.encode(), headers=CSV).json["data"]
    assert (told["read"], told["added"], told["known"], told["rejects"]) == (2300, 2100, 200, 0)
    assert {row["note"] for row in api.data("suppressions")} == {"a note"}


def test_a_list_too_long_for_one_request_is_refused_whole_and_taken_in_parts(
    api: Client, world: MailWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suppression_files, "MOST_LINES", 1500)
    lines = ["email,reason,note", *(f"person{n}@example.org,bounced,gone" for n in range(2999))]
    refused = api.post("suppressions/import", "\n".join(lines).encode(), headers=CSV, status=413)
    assert "split -l 1500" in refused.text and api.data("suppressions") == []
    for part in (lines[1500:], lines[:1500]):  # as `split` cuts it; the one without names first
        told = api.post("suppressions/import", "\n".join(part).encode(), headers=CSV).json["data"]
        assert (told["read"], told["rejects"]) == (told["added"], 0)
    assert world.sql(
        "select reason, note, count(*) from suppressions where workspace_id = :w group by 1, 2"
    ) == [("bounced", "gone", 2999)]
    monkeypatch.setattr(suppression_lists, "MOST_OCTETS", 1000)
    api.post("suppressions/import", "\n".join(lines).encode(), headers=CSV, status=413)


@pytest.mark.parametrize(
    "file",
    [b"", b"\xff\xfe\x00a", b"name\nAda\n", b"email\n\x00@x.org\n", b'email\n"' + b"x" * 200_000, b"\n\n"],
)
def test_what_is_no_list_is_refused(api: Client, world: MailWorld, file: bytes) -> None:
    api.post("suppressions/import", file, headers=CSV, status=400)
    api.post("suppressions/import", {"a": 1}, status=415)
    assert api.data("suppressions") == []


def test_the_page_takes_and_gives_files(wsgi: object, runtime: Runtime, tenant: Tenant, api: Client) -> None:
    browser = Browser(wsgi, runtime, tenant.user_id)
    page = browser.get(f"/w/{tenant.slug}/suppressions/")
    form = page.forms["take"]
    form["file"] = ("list.csv", b"zoe@example.org\nnothing\n", "text/csv")
    assert "1 added, 0 known before, 1 rejected. (2: nothing)" in form.submit().follow()
    assert "zoe@example.org" in browser.get(f"/w/{tenant.slug}/suppressions/export")


def test_what_the_installation_suppresses_nobody_mails(admin: Browser, api: Client, world: MailWorld) -> None:
    for address in ("Trap@spam.example", "@never.example"):
        assert admin.api("POST", "/admin/suppressions", {"address": address}).status_int == 201
    assert admin.api("POST", "/admin/suppressions", {"address": "no address"}).status_int == 400
    assert fates(world, "trap@spam.example", "a@never.example", "b@spam.example") == [
        ("skipped", "Suppressed: instance"),
        ("skipped", "Suppressed: instance"),
        ("accepted", None),
    ]
    page = admin.get(f"/w/{world.tenant.slug}/suppressions/").click(href="/admin/suppressions")
    assert "trap@spam.example" in page
    assert admin.post("/admin/suppressions/", address="nobody").status_int in (303, 422)
    for row in admin.api("GET", "/admin/suppressions").json["data"]:
        assert admin.api("DELETE", f"/admin/suppressions/{row['id']}").status_int in (200, 204)
    assert fates(world, "trap@spam.example") == [("accepted", None)]


def test_the_installations_list_is_its_administrators(
    wsgi: object, runtime: Runtime, tenant: Tenant, api: Client
) -> None:
    assert Browser(wsgi, runtime, tenant.user_id).api("GET", "/admin/suppressions").status_int == 403
    assert Browser(wsgi, runtime).api("GET", "/admin/suppressions").status_int == 401
    api.get("/admin/suppressions", status=403)
