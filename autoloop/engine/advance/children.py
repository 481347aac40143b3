"""Children: runs of other workflows that runs of this batch asked for, started in the same commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from autoloop.base.errors import AutoLoopError
from autoloop.base.services import Services
from autoloop.engine.advance.claim import Claimed
from autoloop.engine.requests import NewStimulus
from autoloop.engine.services import stimuli
from autoloop.engine.services.enrolment import Entering, enter, open_entrance
from autoloop.engine.trying import own_test
from autoloop.engine.turns import Turn
from autoloop.plugins.outcomes import StartRun

__all__ = ["start_children"]

Asked = tuple[Claimed, str, int, StartRun]

ADOPT = text("""
update workflow_runs r set parent_run_id = u.p, parent_node = u.n, parent_visit = u.v, variables = r.variables || u.x
from jsonb_to_recordset(cast(:rows as jsonb)) u(c uuid, p uuid, n text, v int, x jsonb)
where r.workspace_id = :workspace and r.id = any(cast(:started as uuid[])) and r.started_as = u.c
returning r.parent_run_id, r.parent_node, r.parent_visit, r.id
""")

WHY = {
    "was_here_before": "the contact was in it before",
    "is_in_it_now": "the contact is in it now",
    "was_here_lately": "the contact was in it lately",
}


def start_children(services: Services, turns: Sequence[tuple[Claimed, Turn]]) -> int:
    """Enrol by workflow, in id order, and tell parents that do not wait or whose child may not enter."""
    groups: dict[tuple[str, str, bool], list[Asked]] = {}
    told: list[NewStimulus] = []
    for run, turn in turns:
        for node, visit, child in turn.children:
            groups.setdefault((run.workspace_id, child.workflow_id, run.is_test), []).append(
                (run, node, visit, child)
            )
    started = 0
    for (workspace, workflow, is_test), left in sorted(groups.items(), key=lambda each: each[0]):
        while left:  # each contact once a round: the contact tells which child is whose
            first = {each[0].contact_id: each for each in reversed(left)}
            chosen = list(first.values())
            left[:] = [each for each in left if first[each[0].contact_id] is not each]
            begun, why = _start(services, UUID(workspace), UUID(workflow), chosen, is_test)
            started += len(begun)
            told += [_answer(each, begun.get((each[0].id, each[1], each[2])), why) for each in chosen]
    waits = [each for each in told if each.payload]
    stimuli.add(services, waits)
    return started + len(waits)


def _start(
    services: Services, workspace: UUID, workflow: UUID, asked: Sequence[Asked], is_test: bool
) -> tuple[dict[tuple[str, str, int], UUID], str]:
    """The children's ids by (parent, node, visit); and why the others could not start."""
    try:
        door = open_entrance(services, workspace, workflow)
    except AutoLoopError as error:
        return {}, str(error) or "there is no such workflow"
    entering, rows = [], []
    for run, node, visit, child in asked:
        event = {"name": "sub_workflow", "data": dict(child.data)}
        key = f"child:{run.id}:{node}:{visit}"
        invented = bool(own_test(run.is_test, run.variables).get("invented"))
        entering.append(Entering(UUID(run.contact_id), key, "sub_workflow", None, event, invented=invented))
        known: dict[str, Any] = {"depth": run.variables.get("depth", 0) + 1}
        if run.is_test and "test" in run.variables:
            known["test"] = run.variables["test"]
        if "chain" in run.variables:
            known["chain"] = run.variables["chain"]
        if child.along:
            known["goes_along"] = True
        rows.append({"c": run.contact_id, "p": run.id, "n": node, "v": visit, "x": known})
    enrolment = enter(services, door, entering, is_test=is_test)
    why = "; ".join(WHY.get(each, each) for each in enrolment.skipped)
    if not enrolment.started:
        return {}, why
    values = {
        "workspace": workspace,
        "started": enrolment.started,
        "rows": orjson.dumps(rows).decode(),
    }
    found = services.session.execute(ADOPT, values)
    return {(str(parent), node, visit): child for parent, node, visit, child in found}, why


def _answer(asked: Asked, child: UUID | None, why: str) -> NewStimulus:
    run, node, visit, wanted = asked
    payload: dict[str, Any] = {}
    if child is None:
        payload = {"port": "skipped", "data": {"workflow_id": wanted.workflow_id, "why": why}}
    elif not wanted.wait:
        payload = {"port": "next", "data": {"workflow_id": wanted.workflow_id, "run_id": str(child)}}
    key = f"child:{node}:{visit}:asked"
    return NewStimulus(UUID(run.workspace_id), UUID(run.id), "child", payload, key, node, visit)
