"""Stimuli: the one way in which anything reaches a run."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from sqlalchemy import text

from autoloop.base.ids import new_id
from autoloop.base.services import Services
from autoloop.engine.requests import NewStimulus

__all__ = ["add"]

INSERT = text("""
insert into run_stimuli (workspace_id, run_id, source_key, id, kind, node, visit, payload)
select r.workspace_id, r.id, u.s, u.i, u.k, u.n, u.v, u.p
from jsonb_to_recordset(cast(:rows as jsonb)) u(w uuid, r uuid, s text, i uuid, k text, n text, v int, p jsonb)
join workflow_runs r on r.workspace_id = u.w and r.id = u.r
on conflict do nothing
""")


def add(services: Services, stimuli: Sequence[NewStimulus]) -> int:
    """Put stimuli before their runs, in the caller's transaction. Returns how many were new.

    Never touches a run. One whose run is gone, or whose source key is there already, is dropped.
    Nudge "advance" after the commit.
    """
    if not stimuli:
        return 0
    rows = [
        {
            "w": each.workspace_id,
            "r": each.run_id,
            "s": each.source_key,
            "i": new_id(),
            "k": each.kind,
            "n": each.node,
            "v": each.visit,
            "p": each.payload,
        }
        for each in stimuli
    ]
    written = orjson.dumps(rows, default=str).decode().replace("\\u0000", "\\ufffd")
    done = services.session.execute(INSERT, {"rows": written})
    return int(done.rowcount)  # type: ignore[attr-defined]
