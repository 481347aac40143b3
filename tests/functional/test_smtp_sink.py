"""The SMTP sink as a process: its journal is the judge, and its mail can be read in the mailbox."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from autoloop.base.runtime import Runtime
from autoloop.embedded.smtp_sink import Journal
from tests.factories import Client, Tenant
from tests.functional.mail_world import MailWorld, drain


def test_the_sink_journals_each_message_and_fills_the_mailbox(
    runtime: Runtime, tenant: Tenant, api: Client, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    command = [sys.executable, "-m", "autoloop.embedded.smtp_sink", "--journal", str(journal)]
    process = subprocess.Popen(
        [*command, "--workspace", str(tenant.id)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"AUTOLOOP_DATABASE_WORKER_URL": runtime.settings.database_worker_url},
    )
    try:
        assert process.stdout is not None
        world = MailWorld(runtime, tenant, int(process.stdout.readline()))
        world.intend(30)
        drain(runtime)
        rows = {row.message_id: row.to_address for row in world.rows()}
        assert Journal.read(journal) and dict(Journal.read(journal)) == rows
        assert len(Journal.read(journal)) == 30
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    assert {row["message_id"] for row in api.data("mailbox")} == set(rows)
