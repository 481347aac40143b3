"""What the engine reads and changes of contacts: in sets, across tenants, as the worker role."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import create_engine, text

from autoloop.base.ids import new_id
from autoloop.businesses.services.effects import ContactChange, apply_changes
from autoloop.businesses.services.facts import load_contacts
from autoloop.businesses.services.imports import work
from tests.factories import Client, make_tenant


def test_a_batch_of_effects_is_applied_once_and_told(api, wsgi, runtime, tenant) -> None:
    other = make_tenant(runtime)
    there = Client(wsgi, other.slug, other.key)
    api.post("fields", {"key": "score", "title": "Score", "kind": "number"})
    made = {"email": "a@a.example", "tags": ["x", "y"], "fields": {"score": 1}}
    ours = api.post("contacts", made).json["data"]["id"]
    same = api.post("contacts", {"email": "b@a.example", "tags": ["x"]}).json["data"]["id"]
    theirs = there.post("contacts", {"email": "a@a.example"}).json["data"]["id"]
    gone = str(new_id())
    changes = [
        ContactChange(tenant.id, UUID(ours), {"title": "CTO", "fields.score": "7"}, ["new"], ["x"]),
        ContactChange(
            tenant.id, UUID(ours), {"fields.nothing": 1, "email": "x@x.example", "timezone": "Mars"}, [], []
        ),
        ContactChange(tenant.id, UUID(same), {}, ["x"], []),
        ContactChange(other.id, UUID(theirs), {"status": "archived"}, ["new"], []),
        ContactChange(other.id, UUID(ours), {"title": "not theirs"}, ["stolen"], []),
        ContactChange(tenant.id, UUID(gone), {"title": "nobody"}, [], []),
    ]
    with runtime.unit("worker") as services:
        refused = apply_changes(services, changes)
    assert sorted(field for _, field, _ in refused) == ["email", "fields.nothing", "timezone"]
    contact = api.data(f"contacts/{ours}")
    assert (contact["title"], contact["tags"], contact["fields"]) == ("CTO", ["new", "y"], {"score": 7})
    assert contact["email"] == "a@a.example"
    assert there.data(f"contacts/{theirs}")["status"] == "archived"
    with runtime.unit("worker") as services:
        told = services.session.execute(
            text(
                "select contact_id, name, data->>'tag' as tag from events where source = 'workflow' order by id"
            )
        ).all()
    assert {(str(row.contact_id), row.name, row.tag) for row in told} == {
        (ours, "contact.updated", None),
        (ours, "tag.added", "new"),
        (ours, "tag.removed", "x"),
        (theirs, "contact.updated", None),
        (theirs, "tag.added", "new"),
    }
    assert "new" in {tag["name"] for tag in there.data("tags")}


def test_facts_are_loaded_in_sets_and_never_across_tenants(api, wsgi, runtime, tenant) -> None:
    other = make_tenant(runtime)
    there = Client(wsgi, other.slug, other.key)
    api.post("fields", {"key": "score", "title": "Score", "kind": "number"})
    business = api.post("businesses", {"name": "Acme"}).json["data"]["id"]
    made = {"email": "a@a.example", "fields": {"score": 7}, "business_id": business}
    ours, same = (api.post("contacts", each).json["data"]["id"] for each in (made, {"email": "b@a.example"}))
    theirs = there.post("contacts", {"email": "a@a.example"}).json["data"]["id"]
    keys = [
        (tenant.id, UUID(ours)),
        (tenant.id, UUID(same)),
        (other.id, UUID(theirs)),
        (tenant.id, new_id()),
    ]
    with runtime.unit("worker") as services:
        facts = load_contacts(services, keys)
        crossed = load_contacts(services, [(other.id, UUID(ours))])
    assert crossed == {}
    assert set(facts) == {UUID(ours), UUID(same), UUID(theirs)}
    known = facts[UUID(ours)]
    assert known["contact"]["fields"] == {"score": 7}
    assert known["contact"]["consent"] == {
        "marketing": "unknown",
        "tracking": "unknown",
        "at": None,
        "source": "",
    }
    assert known["business"]["name"] == "Acme"
    assert facts[UUID(same)]["business"] is None


def test_searches_stay_on_their_indexes_under_row_level_security(api, runtime, tenant) -> None:
    """Plans with a thousand rows and more: no list scans the table."""
    body = "email,last name,tags\n" + "".join(
        f"p{n}@x{n}.example,N{n},{'rare' if n == 7 else 'all'}\n" for n in range(3000)
    )
    made = api.call("POST", "imports", body.encode(), headers={"Content-Type": "text/csv"}).json["data"]
    api.post(f"imports/{made['id']}/@@start")
    while work(runtime):
        pass
    owner = create_engine(runtime.settings.database_owner_url)
    with owner.begin() as connection:
        connection.execute(text("analyze business_contacts"))
        connection.execute(text("select set_config('autoloop.workspace', :id, true)"), {"id": str(tenant.id)})
        for q, tag in (("p17", None), (None, "rare")):
            found = connection.execute(
                text("explain (analyze, format json) select autoloop_match_contacts(:q, :tag, null, null)"),
                {"q": q, "tag": tag},
            ).scalar_one()
            assert found[0]["Execution Time"] < 50
    owner.dispose()
    with runtime.unit("web", tenant.id) as services:
        services.session.execute(text("set local enable_seqscan = on"))
        for sql in (
            "select id from business_contacts where email_normal = 'p5@x5.example'",
            "select id from business_contacts order by last_name, id limit 50",
            "select id from business_contacts where status = 'active' order by id desc limit 50",
            "select id from business_contacts order by id desc limit 50",
        ):
            plan = "\n".join(services.session.execute(text(f"explain {sql}")).scalars())
            assert "Index" in plan, plan
            assert "Seq Scan" not in plan, plan
