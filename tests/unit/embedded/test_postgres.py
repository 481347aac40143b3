"""The private PostgreSQL, as every kind of user, and after every kind of end."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from autoloop.embedded.launch import Identity, identity, may_reach
from autoloop.embedded.postgres import Postgres, PostgresError

ROOT = Path(__file__).parents[3]
AS_ROOT = os.geteuid() == 0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Postgres]:
    server = Postgres(tmp_path / "postgres", testing=True)
    yield server
    server.stop()


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own are private."""
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def answer(server: Postgres, query: str, user: str = "postgres", dbname: str = "postgres") -> object:
    with psycopg.connect(server.dsn(user, dbname), autocommit=True) as connection:
        return connection.execute(query).fetchone()[0]


def test_made_prepared_stopped_and_started_again_with_its_data(server: Postgres) -> None:
    server.start().prepare()
    with psycopg.connect(server.dsn("autoloop_owner", "autoloop")) as connection:
        connection.execute("create table kept (n int)")
        connection.execute("insert into kept values (7)")
    assert (
        answer(server, "select datcollate || lower('Ä') || current_setting('timezone') from pg_database")
        == "CäUTC"
    )
    server.stop()
    assert not server.running
    with pytest.raises(PostgresError, match="is not running"):
        server.dsn()
    server.start().prepare()
    assert answer(server, "select n from kept", "autoloop_owner", "autoloop") == 7
    assert answer(server, "select bool_or(rolsuper) from pg_roles where rolname like 'autoloop%'") is False
    assert (server.socket_dir.stat().st_mode & 0o077) == 0


def test_a_second_start_finds_the_running_one(server: Postgres) -> None:
    server.start()
    other = Postgres(server.data_dir, testing=True).start()
    assert other.process is None
    assert other.cluster.pid() == server.cluster.pid()


def test_comes_back_after_kill_9_even_if_the_process_id_belongs_to_another(server: Postgres) -> None:
    server.start().prepare()
    note = server.cluster.folder / "postmaster.pid"
    server.process.kill()
    server.process.wait()
    lines = note.read_text().splitlines()
    note.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert not server.running
    server.start()
    assert answer(server, "select 1") == 1


def test_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    program = (
        "import sys, os, signal; from autoloop.embedded.postgres import Postgres;"
        "p = Postgres(sys.argv[1], testing=True, death_signal=signal.SIGINT).start();"
        "print(p.cluster.pid(), flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "pg")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(int(done.stdout)).wait(5)
    assert not Postgres(tmp_path / "pg").running


def test_the_last_of_those_who_share_it_stops_it(tmp_path: Path) -> None:
    one, two = Postgres(tmp_path / "pg", testing=True), Postgres(tmp_path / "pg", testing=True)
    with one.shared():
        with two.shared():
            pass
        assert one.running
    assert not one.running


def test_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    server = Postgres(tmp_path / ("x" * 100) / "pg", testing=True)
    try:
        server.start()
        assert answer(server, "select 1") == 1
        assert not str(server.socket_dir).startswith(str(tmp_path))
        again = Postgres(server.data_dir)
        assert again.cluster.socket_folder == server.socket_dir
    finally:
        folder = server.socket_dir
        server.stop()
        folder.rmdir()


def test_tcp_asks_for_the_password(tmp_path: Path) -> None:
    with Postgres(tmp_path / "pg", testing=True, tcp=True) as server:
        server.prepare({"autoloop_web": "it's: /secret"})
        with psycopg.connect(server.dsn("autoloop_web", "autoloop", password="it's: /secret", tcp=True)):
            pass
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(server.dsn("autoloop_web", "autoloop", password="wrong", tcp=True))


def test_a_cluster_of_another_version_is_refused_with_advice(server: Postgres) -> None:
    server.start()
    server.stop()
    version = server.cluster.folder / "PG_VERSION"
    known = version.read_text()
    version.write_text("9\n")
    with pytest.raises(PostgresError, match="made by PostgreSQL 9"):
        server.start()
    version.write_text(known)


@pytest.mark.skipif(not AS_ROOT, reason="only root has another user to become")
def test_root_without_namespaces_runs_it_as_nobody(
    monkeypatch: pytest.MonkeyPatch, public_folder: Path
) -> None:
    monkeypatch.setenv("AUTOLOOP_TEST_NO_NAMESPACES", "1")
    identity.cache_clear()
    who = identity()
    identity.cache_clear()
    assert who.is_other_user
    with Postgres(public_folder / "pg", testing=True, who=who) as server:
        assert psutil.Process(server.cluster.pid()).uids().real == who.uid
        assert answer(server, "select 1") == 1


@pytest.mark.skipif(not AS_ROOT, reason="only root can become a plain user")
def test_a_plain_user_runs_it_as_themselves(public_folder: Path) -> None:
    os.chown(public_folder, 65534, 65534)
    python, path = _readable_python()
    program = (
        "import sys, os; from autoloop.embedded.launch import identity, Identity; assert identity() == Identity();"
        "from autoloop.embedded.postgres import Postgres;\n"
        "with Postgres(sys.argv[1], testing=True) as p: p.prepare(); print(os.geteuid(), p.running)"
    )
    done = subprocess.run(
        [
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            python,
            "-c",
            program,
            str(public_folder / "pg"),
        ],
        env={"PYTHONPATH": path, "PATH": os.environ["PATH"], "HOME": str(public_folder)},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["65534", "True"], done.stderr


def _readable_python() -> tuple[str, str]:
    """An interpreter of this version, and a path, that a user other than root may read."""
    who = Identity(uid=65534, gid=65534)
    site = Path(psycopg.__file__).parents[1]
    if not (may_reach(ROOT, who) and may_reach(site, who)):
        pytest.skip("the packages are where only root may read")
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (Path(sys.executable), Path("/usr/bin") / name, Path("/usr/local/bin") / name):
        if candidate.exists() and may_reach(candidate.resolve(), who):
            return str(candidate), os.pathsep.join([str(ROOT), str(site)])
    return pytest.skip("this Python is where only root may read it")
