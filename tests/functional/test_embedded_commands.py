"""Commands on a stack that does not run: they start its database for themselves, and say plainly what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from autoloop.cli.configuration import Configuration
from autoloop.embedded.postgres import Postgres

ROOT = Path(__file__).parents[2]
CSV = "Company,E-mail,First name,Plan\nAcme Ltd,ada@acme.test,Ada,gold\nAcme Ltd,bo@acme.test,Bo,tin\nNobody,not an address,,\n"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def autoloop(*words: str, data: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AUTOLOOP_")}
    return subprocess.run(
        [sys.executable, "-m", "autoloop.cli", *words],
        cwd=ROOT,
        env=environment | {"AUTOLOOP_DATA": str(data)},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("commands")
    assert autoloop("migrate", "--check", data=folder).returncode == 1
    made = autoloop("migrate", "--json", data=folder)
    assert json.loads(made.stdout)["before"] is None, made.stderr
    words = ("user", "create", "ada@acme.test", "--name", "Ada", "--workspace", "Acme", "--password-stdin")
    made = autoloop(*words, data=folder, stdin="correct horse battery staple\n")
    assert made.returncode == 0, made.stderr
    assert "in the workspace acme" in made.stdout
    return folder


def test_mistakes_are_told_in_a_sentence(data: Path) -> None:
    twice = autoloop("user", "create", "ADA@acme.test", "--generate", data=data)
    assert (twice.returncode, "There is an account with this address already." in twice.stderr) == (1, True)
    weak = autoloop("user", "create", "bo@acme.test", "--password-stdin", data=data, stdin="12345\n")
    assert (weak.returncode, "password:" in weak.stderr) == (1, True)
    lost = autoloop("user", "create", "cy@acme.test", "--member-of", "nope", "--generate", data=data)
    assert (lost.returncode, "There are: acme." in lost.stderr) == (2, True)
    both = autoloop("user", "create", "di@acme.test", "--generate", "--password-stdin", data=data)
    assert (both.returncode, "one of them" in both.stderr) == (2, True)
    strange = autoloop("migrate", "--revision", "nope", data=data)
    assert (strange.returncode, "nope" in strange.stderr) == (1, True)
    assert not any("Traceback" in said.stderr for said in (twice, weak, lost, strange))


def test_import_tries_then_takes_and_keeps_what_it_refused(data: Path, tmp_path: Path) -> None:
    file, rejects = tmp_path / "people.csv", tmp_path / "rejects.csv"
    file.write_text(CSV)
    tried = autoloop("import", str(file), "--dry-run", "--json", data=data)
    assert tried.returncode == 0, tried.stderr
    assert json.loads(tried.stdout)["counts"]["created"] == 2
    taken = autoloop(
        "import", str(file), "-w", "acme", "--map", "Plan=", "--rejects", str(rejects), "--json", data=data
    )
    assert taken.returncode == 0, taken.stderr
    result = json.loads(taken.stdout)
    assert (result["status"], result["counts"]["created"], result["counts"]["rejected"]) == (
        "completed",
        2,
        1,
    )
    assert "not an address" in rejects.read_text()
    again = json.loads(autoloop("import", str(file), "--map", "Plan=", "--json", data=data).stdout)
    assert (again["counts"]["created"], again["counts"]["unchanged"]) == (0, 2)


def test_no_table_no_import(data: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.csv"
    page.write_text("<!doctype html><html><body>Sign in</body></html>")
    said = autoloop("import", str(page), data=data)
    assert said.returncode == 1
    assert "Traceback" not in said.stderr
    assert "not a table" in said.stderr


def test_the_database_stays_for_as_long_as_a_command_needs_it(data: Path, monkeypatch) -> None:
    monkeypatch.setenv("AUTOLOOP_DATA", str(data))
    with ExitStack() as long, ExitStack() as short:
        short.enter_context(Configuration(ROOT / "development.ini").database())
        long.enter_context(Configuration(ROOT / "development.ini").database())
        short.close()
        assert Postgres(data / "postgres").running
        with Postgres(data / "postgres").held():  # as `autoloop up` does, once it runs
            long.close()
            assert Postgres(data / "postgres").running
    with Configuration(ROOT / "development.ini").database():
        pass
    assert not Postgres(data / "postgres").running


def test_doctor_says_what_to_start(data: Path) -> None:
    said = autoloop("doctor", data=data)
    assert said.returncode == 1
    assert "→ Start it with `autoloop up`." in said.stdout
    assert not Postgres(data / "postgres").running
