"""A PostgreSQL cluster's place on disk: its folders, programs, settings and process id."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil

from autoloop.embedded.binaries import installations, major_of, readable_copy
from autoloop.embedded.launch import Identity, may_reach, spawn
from autoloop.embedded.ports import free_port
from autoloop.embedded.sockets import own, socket_folder

__all__ = ["PORT", "SUPERUSER", "Cluster", "PostgresError"]

SUPERUSER = "postgres"
PORT = 5432  # part of the socket's name; nothing listens on TCP unless asked for
_SYSTEM_PLACE = Path("/var/lib/autoloop")
_ROOM_NEEDED = 300 * 1024 * 1024
_SETTINGS = """\
# Written by AutoLoop at every start. Put your own settings into local.conf beside this file; they win.
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 128MB
work_mem = 8MB
maintenance_work_mem = 64MB
max_locks_per_transaction = 128
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = ''
log_checkpoints = off
log_min_messages = warning
log_error_verbosity = terse
log_min_error_statement = panic
random_page_cost = 1.1
jit = off
min_wal_size = 80MB
max_wal_size = 1GB
"""
_TESTING = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"


class PostgresError(RuntimeError):
    """PostgreSQL could not be made, started or reached; the message says why and what to do."""


class Cluster:
    """The files of one private cluster; `who` is the identity its server runs as."""

    def __init__(self, data_dir: Path, who: Identity) -> None:
        self.data_dir = data_dir
        self.who = who

    @property
    def place(self) -> Path:
        """Where cluster and socket are: `data_dir`, unless the server's user cannot get there."""
        if not self.who.is_other_user or may_reach(self.data_dir.parent, self.who):
            return self.data_dir
        return _SYSTEM_PLACE / hashlib.sha256(str(self.data_dir).encode()).hexdigest()[:16]

    @property
    def folder(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.place / "cluster"

    @property
    def socket_folder(self) -> Path:
        """Where the server puts its socket."""
        return socket_folder(self.place, self.who)

    @property
    def exists(self) -> bool:
        """True once the cluster is made, in whole."""
        return (self.folder / "PG_VERSION").exists()

    @property
    def home(self) -> Path:
        """The installation whose programs fit the cluster."""
        homes = installations()
        if self.exists:
            wanted = int((self.folder / "PG_VERSION").read_text())
            homes = [home for home in homes if major_of(home) == wanted]
            if not homes:
                raise PostgresError(
                    f"The database in {self.folder} was made by PostgreSQL {wanted}, which is not installed here. "
                    "Install it and set POSTGRES_HOME, or move the data with pg_dump."
                )
        return readable_copy(homes[0], self.who, _SYSTEM_PLACE)

    @property
    def environment(self) -> dict[str, str]:
        """Our own, without what would steer PostgreSQL elsewhere."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))
        }
        return kept | {"LC_ALL": "C", "TZ": "UTC"}

    def make(self, *, testing: bool) -> None:
        """Run initdb beside the final place, then rename: a cluster is there in whole or not at all."""
        own(self.place, self.who)
        if (room := shutil.disk_usage(self.place).free) < _ROOM_NEEDED:
            raise PostgresError(
                f"Only {room // 2**20} MB are free in {self.place}; the database needs at least "
                f"{_ROOM_NEEDED // 2**20} MB. Free some space or choose another folder with --data."
            )
        home = self.home
        draft = self.place / f"cluster.{secrets.token_hex(4)}"
        for leftover in self.place.glob("cluster.*"):
            shutil.rmtree(leftover, ignore_errors=True)
        argv = [str(home / "bin" / "initdb"), "-D", str(draft), "-U", SUPERUSER, "--encoding=UTF8"]
        argv += ["--auth-local=trust", "--auth-host=scram-sha-256", "--no-instructions", *_locale(home)]
        argv += ["--no-sync"] if testing else []
        process = spawn(argv, who=self.who, output=subprocess.PIPE, env=self.environment)
        said = process.communicate()[0].decode(errors="replace")
        if process.returncode:
            shutil.rmtree(draft, ignore_errors=True)
            raise PostgresError(
                f"The database could not be made in {self.place}. initdb said:\n{said.strip()[-1500:]}"
            )
        with (draft / "postgresql.conf").open("a") as conf:
            conf.write("\ninclude_if_exists = 'autoloop.conf'\ninclude = 'local.conf'\n")
        self._write(draft / "local.conf", "# Your own PostgreSQL settings.\n")
        draft.rename(self.folder)

    def configure(self, *, testing: bool, tcp: bool) -> None:
        """Write this start's settings: socket folder, port, and no TCP unless asked for."""
        port = free_port() if tcp else PORT
        lines = [
            f"port = {port}",
            f"listen_addresses = '{'127.0.0.1' if tcp else ''}'",
            f"unix_socket_directories = '{self.socket_folder}'",
        ]
        body = _SETTINGS + (_TESTING if testing else "") + "\n".join(lines) + "\n"
        self._write(self.folder / "autoloop.conf", body)

    def pid_lines(self) -> list[str]:
        """Lines of postmaster.pid: process id, folder, start, port, socket folder, address, memory key, status."""
        try:
            return (self.folder / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            raise PostgresError(f"The private PostgreSQL in {self.data_dir} is not running.") from None

    def pid(self) -> int | None:
        """Process id of the running server, None if it is down. Not fooled by a stale file and a reused id."""
        try:
            process = psutil.Process(int(self.pid_lines()[0]))
            ours = process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).samefile(self.folder)
        except (PostgresError, OSError, IndexError, ValueError, psutil.Error):
            return None
        return process.pid if ours else None

    def forget_killed(self) -> None:
        """Remove what a killed server left and the next would trip over if its process id is in use again."""
        note = self.folder / "postmaster.pid"
        if note.exists() and self.pid() is None:
            # Its processes notice its death by themselves, but need a moment; a new server would refuse until then.
            psutil.wait_procs(list(self._processes()), timeout=5)
            note.unlink(missing_ok=True)
            for leftover in self.socket_folder.glob(".s.PGSQL.*"):
                leftover.unlink(missing_ok=True)

    def _processes(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter():
            with contextlib.suppress(OSError, psutil.Error):
                if Path(process.cwd()).samefile(self.folder):
                    yield process

    def _write(self, path: Path, body: str) -> None:
        path.write_text(body)
        if self.who.is_other_user:
            os.chown(path, self.who.uid, self.who.gid)


def _locale(home: Path) -> list[str]:
    """C.UTF-8 everywhere: PostgreSQL's own from 17 on, the system's before."""
    if major_of(home) >= 17:
        return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    return ["--locale=C.UTF-8"]
