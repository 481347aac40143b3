"""AutoLoop from its wheel, in a clean virtualenv far from any clone."""

from __future__ import annotations

import json
import secrets
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from autoloop.base.migrate import head
from autoloop.embedded.postgres import Postgres
from autoloop.embedded.redis import Redis
from autoloop.settings import Settings
from tests.conftest import settings_for
from tests.installed.conftest import ROOT, Clean

pytestmark = pytest.mark.slow


@pytest.fixture
def empty(postgres: Postgres, redis: Redis) -> Iterator[Settings]:
    """Settings for a database without a table."""
    name = f"test_{secrets.token_hex(6)}"
    postgres.create_database(name)
    yield settings_for(postgres, name, redis)
    postgres.drop_database(name)


def files(below: Path, *kinds: str) -> set[str]:
    return {str(each.relative_to(below)) for kind in kinds for each in below.rglob(f"*.{kind}")}


def test_everything_that_runs_is_inside_and_nothing_else(clean: Clean) -> None:
    with zipfile.ZipFile(clean.wheels[0]) as opened:
        inside = set(opened.namelist())
    wanted = {
        name for name in files(ROOT, "py", "jinja2") if name.startswith(("autoloop/", "autoloop_plugins/"))
    }
    wanted |= {
        name for name in files(ROOT, "js", "css", "svg", "woff2", "br", "gz") if "/static/dist/" in name
    }
    wanted = {name for name in wanted if "/frontend/" not in name}
    assert {"autoloop/web/static/dist/main.js", "autoloop/web/layout/templates/base.jinja2"} <= wanted
    assert not wanted - inside
    assert not [
        name for name in inside if "/frontend/" in name or name.startswith(("tests/", "docs/", "benchmarks/"))
    ]
    shared = f"autoloop-{version('autoloop')}.data/data/share/autoloop"
    assert {f"{shared}/alembic/env.py", f"{shared}/examples/businesses.csv"} <= inside


def test_the_command_speaks(clean: Clean) -> None:
    assert clean.run(clean.autoloop, "--version").strip() == f"autoloop {version('autoloop')}"
    told = clean.run(clean.autoloop, "--help")
    assert "autoloop up" in told
    for command in ("up", "serve", "worker", "scheduler", "migrate", "doctor"):
        assert command in told
        assert "Usage: autoloop" in clean.run(clean.autoloop, command, "--help")


def test_it_brings_an_empty_database_to_its_tables(clean: Clean, empty: Settings) -> None:
    ini = clean.place / "plain.ini"
    ini.write_text("[app:main]\nuse = egg:autoloop\n")
    assert f"to {head()}" in clean.run(clean.autoloop, "migrate", "--config", ini, settings=empty)
    clean.run(clean.autoloop, "migrate", "--config", ini, settings=empty)


def test_plugins_of_both_packages_are_found(clean: Clean) -> None:
    listed = json.loads(clean.run(clean.autoloop, "plugin", "list", "--json"))
    assert {each["state"] for each in listed} == {"works"}
    known = {(each["kind"], each["name"], each["distribution"]) for each in listed}
    assert {
        ("step", "hello", "autoloop-hello"),
        ("step", "send_email", "autoloop"),
        ("email", "smtp", "autoloop"),
    } <= known
