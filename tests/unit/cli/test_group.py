"""The command line itself: fast to list, kind to mistakes, honest in its exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from autoloop.cli.group import COMMANDS, EXIT_SETTINGS, cli
from autoloop.settings import SettingsError

ROOT = Path(__file__).parents[3]
KEPT = {name: value for name, value in os.environ.items() if not name.startswith("AUTOLOOP_")}


def run(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "autoloop.cli", *args],
        cwd=ROOT,
        env=KEPT | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_is_quick_and_names_every_command() -> None:
    fastest = 9.0
    for _ in range(5):
        began = time.perf_counter()
        said = run("--help")
        fastest = min(fastest, time.perf_counter() - began)
    assert fastest < 0.3
    assert all(name in said.stdout for name in COMMANDS if name != "setup")
    assert "setup" not in said.stdout


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "demo"])
def test_every_command_explains_itself(name: str) -> None:
    said = CliRunner().invoke(cli, [name, "--help"])
    assert said.exit_code == 0
    assert len(said.output.splitlines()) > 5


def test_a_mistyped_command_gets_a_hint() -> None:
    said = run("wroker")
    assert said.returncode == 2
    assert "Did you mean “worker”?" in said.stderr


def test_production_does_not_start_without_secrets_and_says_which() -> None:
    said = run("serve", "production.ini")
    assert said.returncode == EXIT_SETTINGS
    assert "autoloop.database_url" in said.stderr
    assert "autoloop.secret_keys" in said.stderr
    assert "Traceback" not in said.stderr


@pytest.mark.parametrize("name", ["production.ini", "staging.ini"])
def test_the_given_files_hold_no_secrets_but_are_otherwise_whole(name: str) -> None:
    from autoloop.cli.configuration import Configuration
    from autoloop.settings import load

    found = Configuration(ROOT / name)
    assert not any(word in json.dumps(found.application) for word in ("secret_keys", "_url", "dsn"))
    given = {
        "AUTOLOOP_PUBLIC_URL": "https://mail.acme.test",
        "AUTOLOOP_DATABASE_URL": "postgresql+psycopg://web@db/autoloop",
        "AUTOLOOP_DATABASE_WORKER_URL": "postgresql+psycopg://worker@db/autoloop",
        "AUTOLOOP_REDIS_URL": "redis://redis/0",
        "AUTOLOOP_SECRET_KEYS": "f3b1c05d9e7a42168c0d5b7e94a1f62380cd17e5",
    }
    ini = {key: value for key, value in found.application.items() if key != "use"}
    assert load(ini, given).stage == name.removesuffix(".ini")


def test_a_broken_setting_names_key_and_file(tmp_path: Path) -> None:
    ini = tmp_path / "mine.ini"
    ini.write_text("[app:main]\nuse = egg:autoloop\nautoloop.web_wrokers = 3\n")
    said = run("worker", "--config", str(ini))
    assert said.returncode == EXIT_SETTINGS
    assert "autoloop.web_wrokers" in said.stderr
    assert str(ini) in said.stderr
    assert "autoloop.web_workers" in said.stderr


@pytest.mark.parametrize(
    "body", [b"garbage\n", b"\xff\xfe\x00", b"[app:main]\nuse = %(nope)s\n", b"[app:main\n"]
)
@pytest.mark.parametrize("words", [("migrate", "--check", "-c"), ("serve",), ("doctor", "-c")])
def test_a_file_that_is_no_ini_is_named(tmp_path: Path, words: tuple[str, ...], body: bytes) -> None:
    ini = tmp_path / "mine.ini"
    ini.write_bytes(body)
    said = CliRunner().invoke(cli, [*words, str(ini)])
    assert said.exit_code == (1 if words[0] == "doctor" else EXIT_SETTINGS), said.output
    assert f"{ini} cannot be read as an INI file" in said.output


def test_a_path_may_hold_what_an_address_may_not(tmp_path: Path) -> None:
    from autoloop.cli.configuration import Configuration, loader

    ini = tmp_path / "my #1?" / "p&q.ini"
    ini.parent.mkdir()
    ini.write_text("[app:main]\nuse = egg:autoloop\ndata = %(here)s\n")
    assert Configuration(ini).application["data"] == str(ini.parent)
    with pytest.raises(SettingsError):  # found, and lacks everything
        loader(ini).get_wsgi_app("main")


@pytest.mark.parametrize("words", [("--log", "{missing}/x.log"), ("--data", "{file}/var")])
def test_a_place_that_cannot_be_is_named(tmp_path: Path, words: tuple[str, str]) -> None:
    (tmp_path / "file").touch()
    option, place = words[0], words[1].format(missing=tmp_path / "missing", file=tmp_path / "file")
    rest = [] if option == "--data" else ["--data", str(tmp_path / "var")]
    said = CliRunner().invoke(cli, ["up", option, place, *rest])
    assert (said.exit_code, str(tmp_path) in said.output) == (1, True), said.output
    assert not isinstance(said.exception, OSError)


@pytest.mark.parametrize(
    "words", [("migrate",), ("migrate", "--check"), ("user", "create", "a@b.example", "--generate")]
)
def test_a_database_that_is_down_is_named_as_such(tmp_path: Path, words: tuple[str, ...]) -> None:
    ini = tmp_path / "mine.ini"
    nowhere = "127.0.0.1:1/autoloop"
    lines = [
        f"autoloop.{role}_url = postgresql+psycopg://x@{nowhere}"
        for role in ("database", "database_worker", "database_owner")
    ]
    lines += ["autoloop.redis_url = redis://127.0.0.1:1/0", "autoloop.public_url = http://127.0.0.1:1"]
    lines += [
        "autoloop.cookie_secure = false",
        "autoloop.secret_keys = f3b1c05d9e7a42168c0d5b7e94a1f62380cd17e5",
    ]
    ini.write_text("\n".join(["[app:main]", "use = egg:autoloop", *lines]))
    said = CliRunner().invoke(cli, [*words, "-c", str(ini)])
    assert said.exit_code == 1
    assert "The database does not answer" in said.output


def test_plugins_as_json() -> None:
    said = run("plugin", "list", "--kind", "step", "--json")
    rows = json.loads(said.stdout)
    assert {"wait", "branch", "send_email"} <= {row["name"] for row in rows}
    assert all(row["kind"] == "step" for row in rows)
