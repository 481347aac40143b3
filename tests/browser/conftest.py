"""A real server and a real Chromium, signed in as the owner of a workspace with something in it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from autoloop.accounts.services import Sessions
from autoloop.config import configure
from tests.browser.seed import seed
from tests.conftest import settings_for
from tests.factories import Client, Tenant, make_tenant

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def settings(postgres, database, redis):
    return settings_for(postgres, database, redis, public_url="http://127.0.0.1:1")


@pytest.fixture(scope="module")
def address(settings) -> Iterator[str]:
    config = configure(settings)
    server = make_server("127.0.0.1", 0, config.make_wsgi_app(), Server, Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    config.registry.runtime.dispose()


@pytest.fixture(scope="module")
def owner(runtime, wsgi) -> Tenant:
    tenant = make_tenant(runtime, slug="fern-and-co")
    seed(runtime, Client(wsgi, tenant.slug, tenant.key), tenant)
    return tenant


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    assert CHROMIUM, "these tests need Debian's package chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def signed_in(chromium, runtime, owner, address) -> Iterator[BrowserContext]:
    """A browser with the owner's session."""
    with runtime.unit("web") as services:
        tokens = services(Sessions).start(owner.user_id, method="test")
    context = chromium.new_context(viewport={"width": 1280, "height": 860}, base_url=address)
    context.add_cookies(
        [
            {"name": name, "value": value, "url": address}
            for name, value in (("access", tokens.access), ("refresh", tokens.refresh))
        ]
    )
    yield context
    context.close()
