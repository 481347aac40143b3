"""Files that are not what they say: always an answer for people, never a crash, never a half import."""

from __future__ import annotations

import random

import pytest

from autoloop.businesses.services.imports import work

HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>name,email\n</body></html>"
REFUSED = {
    "nothing": b"",
    "blank": b"\xef\xbb\xbf\r\n \r\n",
    "html": HTML,
    "workbook": b"PK\x03\x04" + bytes(range(256)) * 4,
    "binary": random.Random(1).randbytes(5000).replace(b"PK", b"KP"),
    "json": b'{"email": "a@b.example"}',
}
TAKEN = {
    "only a header": (b"email,name\n", 0, 0),
    "ragged": (b"email,first name\na@r.example\nb@r.example,B,,\nc@r.example,C,too,many\n", 2, 1),
    "same header twice": (b"email,email,first name\na@s.example,x,A\n", 1, 0),
    "no header": (b"a@n.example,Ada\nb@n.example,Bob\n", 2, 0),
    "nul": (b"email,first name\na@0.example,x\0y\nb@0.example,ok\n", 1, 1),
    "a quote that never ends": (b'email,first name\na@q.example,"x\nb@q.example,ok\n', 1, 1),
    "a huge cell": (b"email,first name\na@h.example," + b"x" * 200_000 + b"\nb@h.example,ok\n", 1, 1),
    "a long cell": (b"email,first name\na@l.example," + b"x" * 500 + b"\nb@l.example,ok\n", 1, 1),
    "bad addresses": (b"email\nnobody\n@x.example\na@b\na@b@c.example\nok@e.example\n", 1, 4),
    "mixed encodings": (
        "email,first name\na@m.example,Zoë\n".encode() + "b@m.example,Zoë\n".encode("latin-1"),
        2,
        0,
    ),
    "broken utf-16": (b"\xff\xfe" + "email\na@u.example\n".encode("utf-16-le") + b"\xd8", 1, 1),
    "a line without end": (b"email,first name\na@e.example," + b"x," * 700_000 + b"\nb@e.example,ok\n", 1, 1),
}


def send(api, raw: bytes, status: int | None = None, **query):
    return api.call("POST", "imports", raw, headers={"Content-Type": "text/csv"}, status=status, **query).json


@pytest.mark.parametrize("name", REFUSED)
def test_no_table_is_refused_with_a_sentence(api, name: str) -> None:
    answer = send(api, REFUSED[name], status=400)
    assert answer["code"] == "NOT_CSV"
    assert answer["error"].endswith(".")
    assert api.get("imports").json["page"]["total"] == 0


@pytest.mark.parametrize("name", TAKEN)
def test_a_dirty_table_is_taken_as_far_as_it_makes_sense(api, runtime, name: str) -> None:
    raw, created, rejected = TAKEN[name]
    made = send(api, raw)["data"]
    mapping = {
        column: target for column, target in made["mapping"].items() if not target.startswith("fields.")
    }
    if not any(mapping.values()):
        mapping = {made["columns"][0]: "email"}
    api.post(f"imports/{made['id']}/@@mapping", {"mapping": mapping})
    tried = api.post(f"imports/{made['id']}/@@preview").json["data"]
    assert (tried["counts"]["created"], tried["counts"]["rejected"]) == (created, rejected), tried
    api.post(f"imports/{made['id']}/@@start")
    while work(runtime):
        pass
    done = api.data(f"imports/{made['id']}")
    assert (done["status"], done["counts"]["created"], done["counts"]["rejected"]) == (
        "completed",
        created,
        rejected,
    )
    assert api.get(f"imports/{made['id']}/@@rejects").body.count(b"\r\n") >= rejected + 1


def test_what_cannot_be_asked(api) -> None:
    api.call("POST", "imports", b"{}", headers={"Content-Type": "application/json"}, status=415)
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    api.call(
        "POST",
        "imports",
        b"--x\r\nContent-Disposition: form-data; name=file\r\n\r\ntext\r\n--x--\r\n",
        headers=form,
        status=400,
    )
    assert send(api, b"email\na@b.example\n", status=400, encoding="klingon")["code"] == "NOT_CSV"
    send(api, b"email\na@b.example\n", status=400, colour="red")
    made = send(
        api,
        b"email;name\na@b.example;x\n",
        delimiter=";",
        encoding="windows-1250",
        file_name="../../etc/passwd",
    )["data"]
    assert (made["file_name"], made["delimiter"], made["encoding"]) == ("passwd", ";", "windows-1250")
    path = f"imports/{made['id']}/@@mapping"
    for bad in (
        {},
        {"mapping": []},
        {"mapping": {"email": 1}},
        {"mapping": {"email": "email"}, "options": {"empty": "x"}},
    ):
        api.post(path, bad, status=400)
    api.post(path, {"mapping": {"email": "email", "name": "fields.Bad Key"}}, status=400)
