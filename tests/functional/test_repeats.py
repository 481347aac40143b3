"""The same request twice, or many at once: preconditions (RFC 9110, 13) and the Idempotency-Key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from tests.factories import Client, make_key


def test_of_two_who_read_the_same_one_is_told(wsgi, tenant, api):
    id = api.post("contacts", {"email": "race@a.example"}).json["data"]["id"]
    tag = api.get(f"contacts/{id}").headers["ETag"]
    gate = Barrier(8)

    def edit(n):
        client = Client(wsgi, tenant.slug, tenant.key)
        path = client.url(f"contacts/{id}")
        sent = {"Authorization": f"Bearer {tenant.key}", "If-Match": tag}
        gate.wait()
        return client.app.patch_json(
            path, {"first_name": f"N{n}"}, headers=sent, expect_errors=True
        ).status_int

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(edit, range(8)))
    assert answers == [200] + [412] * 7


def test_what_was_read_need_not_be_sent_again(api):
    id = api.post("contacts", {"email": "etag@a.example"}).json["data"]["id"]
    tag = api.get(f"contacts/{id}").headers["ETag"]
    assert api.get(f"contacts/{id}", headers={"If-None-Match": tag}, status=304).body == b""
    api.patch(f"contacts/{id}", {"first_name": "New"}, headers={"If-Match": '"other"'}, status=412)
    api.patch(f"contacts/{id}", {"first_name": "New"}, headers={"If-Match": tag})
    assert api.get(f"contacts/{id}", headers={"If-None-Match": tag}).json["data"]["first_name"] == "New"


def test_the_same_request_twice_has_one_effect_and_one_answer(api):
    sent = {"Idempotency-Key": "one"}
    first = api.post("contacts", {"email": "once@a.example"}, headers=sent)
    again = api.post("contacts", {"email": "once@a.example"}, headers=sent)
    assert (again.status_int, again.json) == (first.status_int, first.json)
    assert again.status_int == 201
    assert again.headers["Idempotency-Replayed"] == "true"
    other = api.post("contacts", {"email": "other@a.example"}, headers=sent, status=409)
    assert other.json["code"] == "IDEMPOTENCY_KEY_REUSED"


def test_an_error_keeps_nothing(api):
    sent = {"Idempotency-Key": "two"}
    api.post("contacts", {"email": "no address"}, headers=sent, status=400)
    api.post("contacts", {"email": "fine@a.example"}, headers=sent)


def test_many_at_once_have_one_effect(wsgi, tenant, api):
    gate = Barrier(6)

    def make(_n):
        client = Client(wsgi, tenant.slug, tenant.key)
        sent = {"Authorization": f"Bearer {tenant.key}", "Idempotency-Key": "crowd"}
        gate.wait()
        response = client.app.post_json(
            client.url("contacts"), {"last_name": "Crowd"}, headers=sent, expect_errors=True
        )
        return response.status_int, response.json["data"]["id"]

    with ThreadPoolExecutor(6) as pool:
        answers = set(pool.map(make, range(6)))
    assert len(answers) == 1
    assert api.get("contacts", q="Crowd").json["page"]["total"] == 1


def test_a_key_is_of_its_login_and_place(api, wsgi, runtime, tenant):
    sent = {"Idempotency-Key": "mine"}
    api.post("contacts", {"email": "a1@a.example"}, headers=sent)
    api.post("businesses", {"name": "Another place"}, headers=sent)
    second = Client(wsgi, tenant.slug, make_key(runtime, tenant.id, tenant.user_id))
    second.post("contacts", {"email": "a2@a.example"}, headers=sent)
    upload = {"headers": sent | {"Content-Type": "text/csv"}, "file_name": "a.csv"}
    first = api.post("imports", b"email\nb1@a.example\n", **upload)
    assert api.post("imports", b"email\nb1@a.example\n", **upload).json == first.json
    api.post("imports", b"email\nb1@a.example\n", **(upload | {"file_name": "b.csv"}), status=409)
