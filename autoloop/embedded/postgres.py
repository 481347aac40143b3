"""A private PostgreSQL: started, recovered and stopped without touching the system's."""

from __future__ import annotations

import contextlib
import fcntl
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Self
from urllib.parse import quote, urlencode

import psutil
import psycopg
from psycopg import sql

from autoloop.embedded.cluster import SUPERUSER, Cluster, PostgresError
from autoloop.embedded.launch import Identity, identity, spawn

__all__ = ["DATABASE", "ROLES", "Postgres", "PostgresError"]

DATABASE = "autoloop"
ROLES = ("autoloop_owner", "autoloop_web", "autoloop_worker")


class Postgres:
    """A private cluster under `data_dir`, reached by a unix socket only we may enter (and by TCP if `tcp`).

    `testing` trades durability for speed. `death_signal` (0: none) is sent to the server when the thread that
    started it ends.
    """

    def __init__(
        self,
        data_dir: Path | str,
        *,
        testing: bool = False,
        tcp: bool = False,
        death_signal: int = 0,
        who: Identity | None = None,
    ) -> None:
        self.data_dir = Path(data_dir).absolute()
        self.testing = testing
        self.tcp = tcp
        self.death_signal = death_signal
        self.log = self.data_dir / "postgres.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.cluster = Cluster(self.data_dir, who or identity())
        self._found_running = False

    @property
    def socket_dir(self) -> Path:
        """The running server's socket folder."""
        return Path(self.cluster.pid_lines()[4])

    @property
    def port(self) -> int:
        """The running server's port; also part of the socket's name."""
        return int(self.cluster.pid_lines()[3])

    @property
    def running(self) -> bool:
        """True if our server is up, whoever started it."""
        return self.cluster.pid() is not None

    def program(self, name: str) -> str:
        """Path of a PostgreSQL program, such as `pg_dump`, in the server's own version."""
        return str(self.cluster.home / "bin" / name)

    def dsn(
        self,
        user: str = SUPERUSER,
        dbname: str = "postgres",
        *,
        password: str | None = None,
        tcp: bool = False,
        driver: str = "",
    ) -> str:
        """URL of a database, for libpq or, with `driver="psycopg"`, for SQLAlchemy. The socket needs no password."""
        scheme = f"postgresql+{driver}" if driver else "postgresql"
        login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
        if tcp:
            return f"{scheme}://{login}@127.0.0.1:{self.port}/{quote(dbname)}"
        where = urlencode({"host": str(self.socket_dir), "port": self.port})
        return f"{scheme}://{login}@/{quote(dbname)}?{where}"

    # Life

    def start(self, output: int | IO[Any] | None = None) -> Self:
        """Make the cluster if there is none and start it; nothing happens if it runs. Raises PostgresError.

        `output` takes the server's log (default: `postgres.log` in the data directory).
        """
        with self._locked():
            if not self._answers():
                if not self.cluster.exists:
                    self.cluster.make(testing=self.testing)
                self.cluster.configure(testing=self.testing, tcp=self.tcp)
                self._launch(output)
        return self

    def stop(self, timeout: float = 6.0) -> None:
        """Stop the server, whoever started it: open transactions are rolled back, all that was committed stays."""
        with self._locked():
            pid = self.cluster.pid()
            for how, patience in ((signal.SIGINT, timeout), (signal.SIGQUIT, 2.0), (signal.SIGKILL, 2.0)):
                if pid is None or self._ended(pid, how, patience):
                    break
            self.process = None

    def __enter__(self) -> Self:
        self._found_running = self.running
        return self.start()

    def __exit__(self, *_: object) -> None:
        if not self._found_running:
            self.stop()

    @contextmanager
    def shared(self) -> Iterator[Self]:
        """Run the server for as long as any process is inside such a block; the last one out stops it."""
        with self.held() as handle:
            try:
                yield self.start()
            finally:
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    self.stop()

    @contextmanager
    def held(self) -> Iterator[IO[Any]]:
        """Be one of those who share the server: nobody else is the last one out. Yields the lock's file."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with (self.data_dir / "postgres.holders").open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH)
            yield handle

    # Contents

    def prepare(self, passwords: Mapping[str, str] | None = None) -> None:
        """See to AutoLoop's three roles (none a superuser) and its database; passwords matter over TCP only."""
        with self._locked(), self._connect() as connection:
            for role in ROLES:
                _see_to_role(connection, role, (passwords or {}).get(role))
            # The worker may act as the web role for one tenant, but only by saying so: its own rights stay apart.
            connection.execute(sql.SQL("ALTER ROLE {} NOINHERIT").format(sql.Identifier(ROLES[2])))
            granted = sql.SQL("GRANT {} TO {}").format(sql.Identifier(ROLES[1]), sql.Identifier(ROLES[2]))
            connection.execute(granted)
        self.create_database(DATABASE)

    def create_database(self, name: str, owner: str = ROLES[0], template: str | None = None) -> bool:
        """Create database `name` unless it exists; True if made. A `template` must have nobody connected."""
        with self._locked(), self._connect() as connection:
            _see_to_role(connection, owner)
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                return False
            statement = sql.SQL("CREATE DATABASE {} OWNER {}").format(
                sql.Identifier(name), sql.Identifier(owner)
            )
            if template:
                statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
            connection.execute(statement)
            return True

    def drop_database(self, name: str) -> None:
        """Drop database `name` if it exists, ending its connections."""
        with self._connect() as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    # Inside

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.dsn(), autocommit=True, connect_timeout=5)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with (self.data_dir / "postgres.lock").open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _answers(self) -> bool:
        """True if our server takes connections, False if it is down; waits while it is between the two."""
        deadline = time.monotonic() + 60
        while self.running:
            try:
                self._connect().close()
            except psycopg.OperationalError as error:
                if "too many clients" in str(error):
                    return True
                if time.monotonic() > deadline:
                    raise PostgresError(f"PostgreSQL runs but takes no connections: {error}") from error
                time.sleep(0.05)
            except PostgresError:
                continue
            else:
                return True
        return False

    def _launch(self, output: int | IO[Any] | None) -> None:
        """Start the server and wait until it takes connections, for as long as it makes progress."""
        self.cluster.forget_killed()
        with self.log.open("ab") as log:
            written = log.tell()
            self.process = spawn(
                [self.program("postgres"), "-D", str(self.cluster.folder)],
                who=self.cluster.who,
                death_signal=self.death_signal,
                output=log if output is None else output,
                env=self.cluster.environment,
            )
        if not self._became_ready(self.process):
            said = self.log.read_bytes()[written:].decode(errors="replace").strip()
            raise PostgresError(
                f"PostgreSQL did not start. It said:\n{said[-1500:] or '(see the log above)'}"
            )

    def _became_ready(self, process: subprocess.Popen[bytes]) -> bool:
        while process.poll() is None:
            try:
                lines = self.cluster.pid_lines()
            except PostgresError:
                lines = []
            if len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
                return True
            time.sleep(0.01)
        return False

    def _ended(self, pid: int, how: signal.Signals, patience: float) -> bool:
        try:
            server = psutil.Process(pid)
            server.send_signal(how)
            if self.process is not None and self.process.pid == pid:
                self.process.wait(patience)
            else:
                server.wait(patience)
        except psutil.NoSuchProcess:
            return True
        except (psutil.TimeoutExpired, subprocess.TimeoutExpired):
            return False
        return True


def _see_to_role(connection: psycopg.Connection[Any], role: str, password: str | None = None) -> None:
    name = sql.Identifier(role)
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
    if password:
        connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, sql.Literal(password)))
