"""Exports: CSV that a spreadsheet cannot be tricked with, and that comes back as it went."""

from __future__ import annotations

import csv
import io
from uuid import UUID

from autoloop.businesses.services import exports
from autoloop.businesses.services.imports import work
from tests.factories import Client, make_key, make_tenant

WICKED = ["=1+1", "+49 30 1234", "-5", "@import", "\ttab", "'=quoted", "it's", "''", 'a,b\n"c"', "Zoë 🦀"]


def export(api: Client, kind: str, **given) -> str:
    made = api.post("exports", {"kind": kind, **given}).json["data"]
    assert made["file"].startswith("/api/v1/")
    answer = api.get(made["file"].removeprefix("/api/v1"))
    assert answer.content_type == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert api.data(f"exports/{made['id']}")["downloaded_at"]
    return answer.body.decode("utf-8-sig" if given.get("bom", True) else "utf-8")


def test_what_goes_out_comes_back_the_same(api, wsgi, runtime) -> None:
    api.post("fields", {"key": "note", "title": "Note"})
    api.post("fields", {"key": "score", "title": "Score", "kind": "number"})
    api.post("fields", {"target": "business", "key": "big", "title": "Big", "kind": "boolean"})
    api.post("topics", {"key": "news", "name": "News"})
    for n, text in enumerate(WICKED):
        business = api.post(
            "businesses",
            {"name": f"{text} {n}".strip(), "domain": f"d{n}.example", "fields": {"big": n % 2 == 0}},
        )
        api.post(
            "contacts",
            {
                "email": f"w{n}@w.example",
                "first_name": text.strip(),
                "fields": {"note": text, "score": -n},
                "business_id": business.json["data"]["id"],
                "tags": ["x", "y z"][: n % 3],
                "topics": ["news"],
                "consent": {"marketing": "granted", "tracking": ["granted", "denied"][n % 2]},
            },
        )
    contacts, businesses = export(api, "contacts"), export(api, "businesses", bom=False)
    for row in csv.reader(io.StringIO(contacts + businesses)):
        assert all(not cell or cell[0] not in "=+@\t\r" for cell in row)
        assert all(cell[:1] != "-" or cell[1:].isdigit() for cell in row), "only numbers begin with a minus"

    other = make_tenant(runtime)
    there = Client(wsgi, other.slug, other.key)
    for key, kind in (("note", "text"), ("score", "number")):
        there.post("fields", {"key": key, "title": key, "kind": kind})
    there.post("topics", {"key": "news", "name": "News"})
    for body in (businesses, contacts):
        made = there.call("POST", "imports", body.encode(), headers={"Content-Type": "text/csv"}).json["data"]
        there.post(f"imports/{made['id']}/@@start")
        while work(runtime):
            pass
        done = there.data(f"imports/{made['id']}")
        assert (done["counts"]["created"], done["counts"]["rejected"]) == (len(WICKED), 0), done
    assert export(there, "contacts") == contacts
    assert export(there, "businesses", bom=False) == businesses


def test_an_export_holds_what_the_list_holds(api, wsgi, runtime, tenant) -> None:
    for n in range(5):
        api.post("contacts", {"email": f"e{n}@e.example", "tags": ["in"] if n < 2 else []})
    rows = list(csv.DictReader(io.StringIO(export(api, "contacts", filters={"tag": "in"}))))
    assert [row["email"] for row in rows] == ["e0@e.example", "e1@e.example"]
    api.post("exports", {"kind": "contacts", "filters": {"size": "large"}}, status=400)
    reader = Client(wsgi, tenant.slug, make_key(runtime, tenant.id, tenant.user_id, "read"))
    reader.post("exports", {"kind": "contacts"}, status=403)
    made = api.post("exports", {"kind": "contacts"}).json["data"]
    reader.get(f"exports/{made['id']}/@@file", status=403)


def test_columns_stay_what_they_were_while_a_file_is_taken(api, runtime, tenant, monkeypatch) -> None:
    monkeypatch.setattr(exports, "BATCH", 1)
    api.post("fields", {"key": "plan", "title": "Plan"})
    for n in range(2):
        api.post("contacts", {"email": f"e{n}@e.example", "fields": {"plan": f"p{n}"}})
    made = api.post("exports", {"kind": "contacts"}).json["data"]["id"]
    pieces = exports.write_csv(runtime, tenant.id, UUID(made))
    taken = next(pieces) + next(pieces)
    api.post("fields", {"key": "a", "title": "A first one"})
    taken += b"".join(pieces)
    assert [row["fields.plan"] for row in csv.DictReader(io.StringIO(taken.decode()))] == ["p0", "p1"]
    assert {len(row) for row in csv.reader(io.StringIO(taken.decode()))} == {
        len(taken.splitlines()[0].split(b","))
    }
