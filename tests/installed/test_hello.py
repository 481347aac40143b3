"""A stranger's plugin: built, installed beside AutoLoop in a clean virtualenv, and run through a workflow."""

from __future__ import annotations

import pytest

from autoloop.settings import Settings
from tests.installed.conftest import Clean

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


@pytest.mark.slow
def test_its_step_runs_in_a_workflow(clean: Clean, settings: Settings) -> None:
    said = clean.run(clean.python, "-I", "-c", SCRIPT, settings=settings)
    assert said.strip().endswith("greeted")


@pytest.mark.slow
def test_its_author_can_run_the_contract(clean: Clean) -> None:
    tests = clean.place / "hello" / "tests"
    said = clean.run(clean.python, "-I", "-m", "pytest", "-q", "-p", "no:cacheprovider", tests)
    assert " passed" in said and "failed" not in said
