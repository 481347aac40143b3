"""Every form of every page, posted wrongly: an answer of ours each time, and nothing written by a refusal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from sqlalchemy import text
from webtest import Upload

from tests.browser.seed import seed
from tests.factories import Client, make_tenant
from tests.functional.browser import Browser

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
MOST_PAGES = 120
BIG = "x" * 1_000_000
# What changes nothing that could be told from the rows of tenants, or is counted on purpose.
COUNTED = {"audit_events", "sessions", "sign_in_failures", "api_keys"}


@pytest.fixture(scope="module")
def tenant(runtime, wsgi):
    made = make_tenant(runtime)
    api = Client(wsgi, made.slug, made.key)
    seed(runtime, api, made)
    api.call("POST", "imports", b"email\nada@fern.example\n", headers={"Content-Type": "text/csv"})
    return made


@pytest.fixture(scope="module")
def browser(wsgi, runtime, tenant):
    return Browser(wsgi, runtime, tenant.user_id)


@pytest.fixture(scope="module")
def forms(browser, tenant, wsgi, runtime) -> dict[str, tuple[Browser, str, Any]]:
    """One of each form, by its action without ids: found by following every link from the first page."""
    found: dict[str, tuple[Browser, str, Any]] = {}
    for visitor, start in (
        (browser, f"/w/{tenant.slug}"),
        (browser, "/me"),
        (Browser(wsgi, runtime), "/auth/sign-in"),
    ):
        seen, waiting = {UUID.sub("ID", start)}, [start]
        while waiting and len(seen) < MOST_PAGES:
            address = waiting.pop(0)
            page = visitor.get(address)
            if page.status_int != 200 or page.content_type != "text/html":
                continue
            for link in page.html.select("a[href]"):
                to = urlsplit(link["href"])
                shape = UUID.sub("ID", to.path)
                if to.netloc in ("", "localhost") and to.path.startswith("/") and shape not in seen:
                    seen.add(shape)
                    waiting.append(to.path)
            for form in page.forms.values():
                if form.method.upper() == "POST":
                    action = urlsplit(form.action).path or urlsplit(address).path
                    found.setdefault(UUID.sub("ID", action), (visitor, action, form))
    return found


def rows(runtime, tenant) -> dict[str, int]:
    with runtime.unit("web", tenant.id) as services:
        tables = services.session.scalars(
            text(
                "select relname::text from pg_class where relkind in ('r', 'p') and not relispartition"
                " and relnamespace = 'public'::regnamespace and has_table_privilege(oid, 'select')"
            )
        ).all()
        counts = " union all ".join(
            f"select '{table}', count(*) from {table}" for table in tables if table not in COUNTED
        )
        return dict(services.session.execute(text(counts)).tuples().all())


def wrong(fields: list[tuple[str, str]]) -> Iterator[tuple[str, Any]]:
    """What is posted: a list of pairs, or the raw octets of a body."""
    yield "nothing but the token", []
    for name, value in fields:
        rest = [pair for pair in fields if pair[0] != name]
        yield f"{name}: NUL", [*rest, (name, "a\x00b")]
        yield f"{name}: 1 MB", [*rest, (name, BIG)]
        yield f"{name}: twice", [*fields, (name, "again")]
        yield f"{name}: missing", rest
        yield (
            f"{name}: a file",
            [*rest, (name, Upload("x.bin", b"\x00\xff" * 50, "application/octet-stream"))],
        )
        yield f"{name}: odd", [*rest, (name, "\u202e\ufffe{{ 1 | plus: }}{% for %}<script>'\"--;=9e999")]
        yield f"{name}: no UTF-8", (rest, name, b"%FF%FE%80")
        if (value and value.strip("-").isdigit()) or UUID.fullmatch(value or ""):
            yield f"{name}: wrong type", [*rest, (name, "-99999999999999999999")]
    yield "a field that is not there", [*fields, ("is_admin", "1"), ("workspace_id", "0")]


def send(visitor: Browser, action: str, token: str, given: Any) -> Any:
    if isinstance(given, tuple):
        rest, name, raw = given
        body = urlencode([*rest, ("csrf_token", token)]).encode() + b"&" + name.encode() + b"=" + raw
        return visitor.app.post(action, body, expect_errors=True)
    return visitor.app.post(action, [("csrf_token", token), *given], expect_errors=True)


def test_enough_forms_are_found(forms) -> None:
    assert len(forms) > 25, sorted(forms)


def test_any_form_posted_wrongly_is_answered(forms, runtime, tenant) -> None:
    bad: list[str] = []
    for shape, (visitor, action, form) in sorted(forms.items()):
        if shape.endswith("/sign-out"):
            continue
        fields = [(name, str(value or "")) for name, value in form.submit_fields() if name != "csrf_token"]
        token = visitor.token()
        before = rows(runtime, tenant)
        for what, given in wrong(fields):
            response = send(visitor, action, token, given)
            label = f"{shape.replace(tenant.slug, 'ws')} {what}: {response.status_int}"
            if response.status_int >= 500:
                bad.append(label)
            elif response.status_int >= 400 and (after := rows(runtime, tenant)) != before:
                bad.append(f"{label}, but it wrote {[name for name in after if after[name] != before[name]]}")
            elif response.status_int < 400:
                before = rows(runtime, tenant)
            if response.status_int < 400 and what.endswith((": NUL", ": no UTF-8")):
                bad.append(f"{label} took it")
    assert bad == []
