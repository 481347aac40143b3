"""Ports, secrets, locks and folders of the embedded stack."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from autoloop.embedded.application import with_connections
from autoloop.embedded.lock import AlreadyRunningError, StackLock
from autoloop.embedded.places import connections, data_folder
from autoloop.embedded.ports import PortTakenError, free_port, see_that_free
from autoloop.embedded.secrets import load_or_make
from autoloop.settings import load


def test_a_taken_port_names_its_holder() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        with pytest.raises(PortTakenError, match=rf"taken by process {os.getpid()} .*--port"):
            see_that_free("127.0.0.1", holder.getsockname()[1])
    see_that_free("127.0.0.1", free_port())
    with pytest.raises(PortTakenError, match="not an address"):
        see_that_free("203.0.113.1", 8080)


def test_secrets_are_made_once_private_and_strong(tmp_path: Path) -> None:
    first = load_or_make(tmp_path)
    assert load_or_make(tmp_path) == first
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert len(first["secret_keys"]) == 64
    assert load_or_make(tmp_path / ".." / tmp_path.name)["secret_keys"] == first["secret_keys"]


def test_one_stack_per_folder_and_a_killed_one_leaves_no_lock(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from autoloop.embedded.lock import StackLock;"
        "l = StackLock(Path(sys.argv[1])); l.take(); l.write(pid=1, url='http://there'); print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=Path(__file__).parents[3], stdout=subprocess.PIPE
    )
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(AlreadyRunningError, match="runs already at http://there"):
        StackLock(tmp_path).take()
    holder.kill()
    holder.communicate()
    lock = StackLock(tmp_path)
    lock.take()
    assert lock.state()["pid"] == os.getpid()
    lock.release()


def test_leftovers_are_ended_but_a_reused_process_id_is_not() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True
    ) as left:
        born = psutil.Process(left.pid).create_time()
        assert StackLock.end_leftovers([["web", left.pid, born - 1000]]) == []
        assert left.poll() is None
        assert StackLock.end_leftovers([["web", left.pid, born]]) == ["web"]
        assert left.wait(5) is not None


def test_settings_of_the_stack_are_whole_and_given_ones_win(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AUTOLOOP_DATA", raising=False)
    ini = {
        "data": str(tmp_path),
        "autoloop.public_url": "http://127.0.0.1:8080",
        "autoloop.redis_url": "redis://mine/0",
    }
    made = with_connections(ini)
    settings = load(made, {})
    assert settings.redis_url == "redis://mine/0"
    assert settings.database_worker_url.startswith("postgresql+psycopg://autoloop_worker@/autoloop?host=")
    assert connections(tmp_path)["autoloop.secret_keys"] == made["autoloop.secret_keys"]
    monkeypatch.setenv("AUTOLOOP_DATA", str(tmp_path / "elsewhere"))
    assert data_folder() == tmp_path / "elsewhere"
    assert with_connections(ini)["autoloop.secret_keys"] != made["autoloop.secret_keys"]
