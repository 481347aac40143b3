"""CSV imports over HTTP: uploaded, mapped, tried, taken in once whatever happens to the worker."""

from __future__ import annotations

import csv
import io
import os
import signal
import time
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from autoloop import make_runtime
from autoloop.base.errors import Conflict
from autoloop.businesses.services.imports import Imports, work
from tests.factories import Client

EXAMPLE = Path(__file__).parents[2] / "examples" / "businesses.csv"


def upload(api: Client, body: str | bytes, **query) -> dict:
    raw = body.encode() if isinstance(body, str) else body
    return api.call("POST", "imports", raw, headers={"Content-Type": "text/csv"}, **query).json["data"]


def finish(api: Client, runtime, id: str) -> dict:
    while work(runtime):
        pass
    return api.data(f"imports/{id}")


def take_in(api: Client, runtime, body: str | bytes, **options) -> dict:
    made = upload(api, body)
    api.post(f"imports/{made['id']}/@@mapping", {"mapping": made["mapping"], "options": options})
    api.post(f"imports/{made['id']}/@@start")
    return finish(api, runtime, made["id"])


def rejects(api: Client, id: str) -> list[list[str]]:
    answer = api.get(f"imports/{id}/@@rejects")
    assert answer.content_type == "text/csv"
    return list(csv.reader(io.StringIO(answer.body.decode("utf-8-sig"))))


def test_the_example_from_upload_to_rejects(api, runtime, tenant) -> None:
    raw = EXAMPLE.read_bytes()
    made = upload(api, raw, file_name="businesses.csv")
    assert made["status"] == "ready"
    assert made["mapping"]["E-mail"] == "email"
    assert made["mapping"]["Industry"] == "business.fields.industry"
    tried = api.post(f"imports/{made['id']}/@@preview").json["data"]
    assert tried["counts"]["created"] > 500
    assert tried["samples"][0]["outcome"] == "created"
    assert {each["target"] for each in tried["new_fields"]} == {"business.fields.industry"}
    assert api.get("contacts").json["page"]["total"] == 0, "a preview leaves nothing behind"
    api.get(f"imports/{made['id']}/@@rejects")

    api.post(f"imports/{made['id']}/@@start")
    done = finish(api, runtime, made["id"])
    counts = done["counts"]
    assert done["status"] == "completed"
    assert (
        done["rows_done"]
        == done["rows_total"]
        == sum(counts[k] for k in ("created", "updated", "unchanged", "rejected", "repeated"))
    )
    assert done["bytes_done"] == len(raw)
    assert (
        api.get("contacts").json["page"]["total"] == counts["created"] == 3000 - 0 or counts["created"] > 2900
    )
    with runtime.unit("web", tenant.id) as services:
        told = services.session.scalar(text("select count(*) from events where name = 'contact.created'"))
        pieces = services.session.scalar(text("select count(*) from import_chunks"))
    assert told == api.get("contacts").json["page"]["total"]
    assert pieces == 0
    header, *rows = rejects(api, made["id"])
    assert header[:2] == ["line", "reason"]
    assert len(rows) == counts["rejected"] > 0
    lines = raw.decode("utf-8-sig").splitlines()
    assert all(row[2].split("\n")[0] in lines[int(row[0]) - 1] for row in rows)

    again = take_in(api, runtime, raw)
    assert (again["counts"]["created"], again["counts"]["businesses_created"]) == (0, 0)


def test_rows_update_by_email_or_external_id(api, runtime) -> None:
    take_in(api, runtime, "email,contact id,first name,tags\na@a.example,1,Ada,x\nb@a.example,,Bob,\n")
    done = take_in(
        api,
        runtime,
        "email,contact id,first name,tags,plan\n"
        "A@a.example,1,,y,pro\n"  # known by both; the empty name stays
        "new@a.example,1,Ada Again,,\n"  # known by id in this file: says more of the same
        "b@a.example,2,Bobby,,\n"  # known by email, takes the id
        "b@a.example,3,Other,,\n"  # that address has the id 2
        "c@a.example,,Cy,,\n",
    )
    counts = done["counts"]
    assert (counts["created"], counts["updated"], counts["rejected"], counts["repeated"]) == (1, 2, 1, 1)
    contacts = {row["external_id"] or row["email"]: row for row in api.data("contacts")}
    assert contacts["1"]["email"] == "new@a.example"
    assert contacts["1"]["first_name"] == "Ada Again"
    assert contacts["1"]["tags"] == ["x", "y"]
    assert contacts["2"]["first_name"] == "Bobby"
    assert set(contacts) == {"1", "2", "c@a.example"}
    assert "another contact" in rejects(api, done["id"])[1][1]
    kept = take_in(
        api,
        runtime,
        "email,first name\nc@a.example,Changed\nd@a.example,Dee\n",
        update_existing=False,
        tags=["fair"],
    )
    assert (kept["counts"]["created"], kept["counts"]["unchanged"]) == (1, 1)
    assert [row["first_name"] for row in api.data("contacts", tag="fair")] == ["Dee"]


def test_a_no_is_never_taken_back(api, runtime) -> None:
    id = api.post("contacts", {"email": "no@a.example"}).json["data"]["id"]
    api.post(f"contacts/{id}/@@consent", {"marketing": "denied", "source": "mail"})
    api.patch(f"contacts/{id}", {"status": "unsubscribed"})
    take_in(api, runtime, "email,consent,contact status\nno@a.example,yes,active\nyes@a.example,yes,\n")
    assert api.data(f"contacts/{id}")["consent"]["marketing"] == "denied"
    assert api.data(f"contacts/{id}")["status"] == "unsubscribed"
    assert api.data("contacts", email="yes@a.example")[0]["consent"]["marketing"] == "granted"


def test_businesses_are_told_apart(api, runtime) -> None:
    done = take_in(
        api,
        runtime,
        "company,domain,company id,city,email\n"
        "Acme,acme.example,,Rome,a@acme.example\n"
        "ACME,www.acme.example,,,b@acme.example\n"
        "Acme,acme.example,77,Oslo,c@acme.example\n"
        "Lone,,,,\n"
        ",only.example,,,\n"
        ",,,,\n"
        ",,,,d@acme.example\n",
    )
    assert done["counts"]["rejected"] == 0
    names = sorted((row["name"], row["external_id"], row["city"]) for row in api.data("businesses"))
    assert names == [
        ("ACME", None, "Rome"),
        ("Acme", "77", "Oslo"),
        ("Lone", None, ""),
        ("only.example", None, ""),
    ]
    take_in(api, runtime, "company,city\nlone,Bern\n")
    assert [row["city"] for row in api.data("businesses", q="lone")] == ["Bern"]
    assert api.data("contacts", email="d@acme.example")[0]["business_id"] is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Vorname;Nachname;E-Mail\r\nZoë;Müller;z@m.example\r\n".encode("latin-1"), ("Zoë", "Müller")),
        ("\ufeffVorname\tNachname\tE-Mail\nZoë\tMüller\tz@m.example".encode(), ("Zoë", "Müller")),
        ("Vorname\tNachname\tE-Mail\r\nZoë\tMüller\tz@m.example\r\n".encode("utf-16"), ("Zoë", "Müller")),
        ('Vorname,Nachname,E-Mail\n"Zoë\nAnna","""M""",z@m.example\n'.encode(), ("Zoë Anna", '"M"')),
    ],
    ids=["latin-1", "mark", "utf-16", "quoted"],
)
def test_encodings_and_delimiters(api, runtime, raw, expected) -> None:
    done = take_in(api, runtime, raw)
    assert done["counts"]["created"] == 1, rejects(api, done["id"])
    row = api.data("contacts", email="z@m.example")[0]
    assert (row["first_name"], row["last_name"]) == expected


def test_a_form_upload_and_a_mapping_corrected(api, runtime) -> None:
    sent = api.app.post(
        api.url("imports"),
        upload_files=[("file", "..\\people.csv", b"Who,Adress,Age\nAda,ada@a.example,36\n")],
        headers={"Authorization": f"Bearer {api.key}"},
    ).json["data"]
    assert sent["file_name"] == "people.csv"
    path = f"imports/{sent['id']}"
    wrong = api.post(f"{path}/@@mapping", {"mapping": {"Who": "nowhere", "Nix": "email"}}, status=400).json[
        "details"
    ]
    assert set(wrong) == {"Who", "Nix"}
    api.post(f"{path}/@@mapping", {"mapping": {"Who": "first_name"}}, status=400)
    api.post(f"{path}/@@mapping", {"mapping": {"Who": "email", "Adress": "email"}}, status=400)
    right = {"mapping": {"Who": "first_name", "Adress": "email", "Age": "fields.age"}}
    assert api.post(f"{path}/@@mapping", right).json["data"]["mapping"]["Age"] == "fields.age"
    api.post(f"{path}/@@start")
    api.post(f"{path}/@@start", status=409)
    assert finish(api, runtime, sent["id"])["status"] == "completed"
    contact = api.data("contacts", email="ada@a.example")[0]["id"]
    assert api.data(f"contacts/{contact}")["fields"] == {"age": 36}
    api.post(f"{path}/@@mapping", right, status=409)
    api.delete(path)
    api.get(path, status=404)


def test_a_quiet_import_tells_nothing_and_a_cancelled_one_stops(api, runtime, tenant) -> None:
    take_in(api, runtime, "email\nq@q.example\n", quiet=True)
    made = upload(api, "email\n" + "".join(f"c{n}@c.example\n" for n in range(50)))
    api.post(f"imports/{made['id']}/@@start")
    assert api.post(f"imports/{made['id']}/@@cancel").json["data"]["status"] == "cancelled"
    assert finish(api, runtime, made["id"])["rows_done"] == 0
    api.post(f"imports/{made['id']}/@@start", status=409)
    with runtime.unit("web", tenant.id) as services:
        assert services.session.scalar(text("select count(*) from events")) == 0


@pytest.mark.timeout(300)
def test_killed_workers_lose_nothing_and_double_nothing(api, runtime, settings, tenant) -> None:
    """Workers are killed with SIGKILL while they write; others go on from the last chunk committed."""
    rows = 40_000  # enough for six kills on a fast machine
    body = "email,company,tags\n" + "".join(
        f"p{n}@k{n // 3}.example,Firm {n // 3},{'x' if n % 2 else ''}\n" if n % 100 else f"bad {n},,\n"
        for n in range(rows)
    )
    made = upload(api, body)
    api.post(f"imports/{made['id']}/@@start")
    kills, deadline, delay = 0, time.monotonic() + 280, 0.25
    while api.data(f"imports/{made['id']}")["status"] == "running":
        assert time.monotonic() < deadline
        child = os.fork()
        if child == 0:
            held = make_runtime(settings)
            while work(held):
                pass
            os._exit(0)
        before = api.data(f"imports/{made['id']}")["rows_done"]
        started = _wait_for_lease(runtime, made["id"], deadline)
        time.sleep(delay if started else 0)
        if kills < 6:
            os.kill(child, signal.SIGKILL)
            kills += 1
        os.waitpid(child, 0)
        delay = 0.25 if api.data(f"imports/{made['id']}")["rows_done"] > before else delay + 0.5
        with runtime.unit("worker") as services:  # the lease lapses, as it would after a minute
            services.session.execute(
                text("update imports set lease_until = now() - interval '1 s' where lease_until is not null")
            )
    done = api.data(f"imports/{made['id']}")
    assert kills == 6
    assert done["status"] == "completed"
    assert done["counts"]["rejected"] == rows // 100 == len(rejects(api, made["id"])) - 1
    assert done["counts"]["created"] == rows - rows // 100
    with runtime.unit("web", tenant.id) as services:
        found = services.session.execute(
            text("select (select count(*) from business_contacts), (select count(*) from events where name = 'contact.created'),"
                 " (select count(distinct contact_id) from events)")
        ).one()  # fmt: skip
    assert set(found) == {rows - rows // 100}


def _wait_for_lease(runtime, id: str, deadline: float) -> bool:
    while time.monotonic() < deadline:
        with runtime.unit("worker") as services:
            row = services.session.execute(
                text("select lease_until > clock_timestamp() as held, status from imports where id = :id"),
                {"id": id},
            ).one()
        if row.held or row.status != "running":
            return True
        time.sleep(0.05)
    return False


def test_a_row_the_database_refuses_is_the_only_one_left_out(api, runtime, tenant) -> None:
    made = upload(
        api,
        "email,last name\n" + "".join(f"r{n}@r.example,{'BOOM' if n == 37 else 'ok'}\n" for n in range(80)),
    )
    from sqlalchemy import create_engine

    owner = create_engine(runtime.settings.database_owner_url)
    with owner.begin() as connection:
        connection.execute(
            text("alter table business_contacts add constraint no_boom check (last_name <> 'BOOM')")
        )
    api.post(f"imports/{made['id']}/@@start")
    done = finish(api, runtime, made["id"])
    with owner.begin() as connection:
        connection.execute(text("alter table business_contacts drop constraint no_boom"))
    owner.dispose()
    assert (done["counts"]["created"], done["counts"]["rejected"]) == (79, 1)
    assert rejects(api, made["id"])[1][0] == "39"


def test_an_import_that_began_meanwhile_is_neither_mapped_anew_nor_forgotten(api, runtime, tenant) -> None:
    id = upload(api, "Email\na@a.example\n")["id"]
    for late in (lambda its, row: its.remap(row, {"Email": "external_id"}), lambda its, row: its.delete(row)):
        with runtime.unit("web", tenant.id) as services:
            services.session.execute(text("update imports set status = 'ready' where id = :id"), {"id": id})
        with runtime.unit("web", tenant.id) as services:
            row = services(Imports).find(UUID(id))
            api.post(f"imports/{id}/@@start")
            with pytest.raises(Conflict):
                late(services(Imports), row)
    assert api.data(f"imports/{id}")["mapping"] == {"Email": "email"}
