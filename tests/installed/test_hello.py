"""A stranger's plugin: built, installed beside AutoLoop in a clean virtualenv, and run through a workflow."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

import pytest

from autoloop.settings import Settings

ROOT = Path(__file__).parents[2]
PARTS = (
    "autoloop",
    "autoloop_plugins",
    "alembic",
    "setup.cfg",
    "pyproject.toml",
    "MANIFEST.in",
    "LICENSE",
    "README.md",
)

SCRIPT = """
import sys, uuid
import autoloop, autoloop_hello
assert "clean" in autoloop.__file__ and "clean" in autoloop_hello.__file__, (autoloop.__file__, autoloop_hello.__file__)
from autoloop import make_runtime
from autoloop.base.ids import new_id
from autoloop.businesses.models import Contact
from autoloop.engine.models import Workflow, WorkflowRun
from autoloop.engine.services import versions
from autoloop.engine.services.enrolment import enrol
from autoloop.settings import load
from autoloop.workspaces.models import Workspace

runtime = make_runtime(load({}))
plugins = runtime.registrations.plugins
assert plugins.problems == [], plugins.problems
assert {p.distribution for p in plugins.of("step") if p.name == "hello"} == {"autoloop-hello"}
with runtime.unit("web") as services:
    workspace = Workspace(id=new_id(), slug="hello", name="Hello", postal_address="1 Main Street")
    services.session.add(workspace)
with runtime.unit("web", workspace.id) as services:
    session = services.session
    people = [
        Contact(workspace_id=workspace.id, id=new_id(), first_name=name, email=f"{n}@example.com", email_normal=f"{n}@example.com")
        for n, name in enumerate(("Ada", ""))
    ]
    session.add_all(people)
    workflow = Workflow(workspace_id=workspace.id, id=new_id(), name="Hello")
    session.add(workflow)
    session.flush()
    graph = {
        "nodes": [
            {"id": "hi", "type": "hello", "config": {"greeting": "Welcome"}},
            {"id": "who", "type": "stop", "config": {"reason": "a stranger"}},
        ],
        "edges": [{"from": "hi", "port": "stranger", "to": "who"}],
    }
    versions.add(services, workflow, graph)
    workflow.status = "live"
    session.flush()
    runs = enrol(services, workflow.id, [each.id for each in people]).started
while runtime.registrations.due_kinds["advance"].work(runtime):
    pass
with runtime.unit("web", workspace.id) as services:
    made = {run.contact_id: run for run in map(lambda key: services.session.get(WorkflowRun, (workspace.id, key)), runs)}
    ada, stranger = made[people[0].id], made[people[1].id]
    assert (ada.status, ada.variables["outputs"]["hi"]) == ("completed", "Welcome, Ada!"), ada.variables
    assert (stranger.status, stranger.reason) == ("stopped", "a stranger")
    assert services.session.get(Contact, (workspace.id, people[0].id), populate_existing=True).tags == ["greeted"]
runtime.dispose()
print("greeted")
"""


def run(*command: Any, **options: Any) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, timeout=110, **options
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def wheel(source: Path, out: Path) -> Path:
    """Build a wheel; without isolation where setuptools is at hand, so that nothing is downloaded."""
    near = ["--no-isolation", "--skip-dependency-check"] if importlib.util.find_spec("setuptools") else []
    run(sys.executable, "-m", "build", "--wheel", *near, "--outdir", out, source)
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtualenv with AutoLoop and the plugin from their wheels; libraries are lent by this one."""
    place = tmp_path_factory.mktemp("clean")
    source = place / "source"
    source.mkdir()
    for part in PARTS:
        found = ROOT / part
        if found.is_dir():
            shutil.copytree(
                found, source / part, ignore=shutil.ignore_patterns("node_modules", "__pycache__")
            )
        elif found.exists():
            shutil.copy(found, source / part)
    (source / "README.md").touch()
    hello = place / "hello"
    shutil.copytree(ROOT / "examples" / "autoloop-hello", hello)
    wheels = [wheel(source, place / "one"), wheel(hello, place / "two")]
    home = place / "env"
    venv.create(home, with_pip=True, symlinks=True)
    python = home / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", *wheels)
    (packages,) = (home / "lib").glob("python*/site-packages")
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return place


@pytest.mark.slow
def test_its_step_runs_in_a_workflow(clean: Path, settings: Settings) -> None:
    given = {
        name: str(getattr(settings, name))
        for name in (
            "stage",
            "public_url",
            "database_url",
            "database_worker_url",
            "redis_url",
            "broker_url",
            "cookie_secure",
        )
    } | {"secret_keys": " ".join(settings.secret_keys), "log_format": "text"}
    environment = {f"AUTOLOOP_{name.upper()}": value for name, value in given.items()}
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    python = clean / "env" / "bin" / "python"
    said = run(python, "-I", "-c", SCRIPT, env=kept | environment, cwd=clean)
    assert said.strip().endswith("greeted")


@pytest.mark.slow
def test_its_author_can_run_the_contract(clean: Path) -> None:
    said = run(
        clean / "env" / "bin" / "python",
        "-I",
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        clean / "hello" / "tests",
        cwd=clean,
    )
    assert " passed" in said and "failed" not in said
