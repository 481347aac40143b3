"""The example of the README: pasted into a shell, it must do what it says."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from autoloop.base.runtime import Runtime
from tests.factories import Client, Tenant

SCRIPT = Path(__file__).parents[2] / "examples" / "api" / "first-workflow.sh"


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address(wsgi: object) -> Iterator[str]:
    with make_server("127.0.0.1", 0, wsgi, handler_class=Quiet) as server:  # type: ignore[arg-type]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def workers(runtime: Runtime) -> Iterator[None]:
    """Works whatever is due until the test ends."""
    over = threading.Event()
    kinds = [runtime.registrations.due_kinds[name] for name in ("route", "advance", "mail")]

    def work() -> None:
        while not over.wait(0.05):
            while sum(kind.work(runtime) for kind in kinds):
                pass

    thread = threading.Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join()


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_the_first_workflow_does_what_it_says(address: str, workers: None, api: Client, tenant: Tenant):
    given = os.environ | {"KEY": tenant.key, "W": f"{address}/api/v1/w/{tenant.slug}"}
    done = subprocess.run(["sh", SCRIPT], env=given, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"ok":true' in done.stdout
    workflow = api.data("workflows")[0]
    assert api.data(f"workflows/{workflow['id']}/stats")["nodes"]["answer"]["here"] == 1
    sent = api.data("emails")
    assert [(each["status"], each["subject"]) for each in sent] == [("accepted", "Hello Ada")]
