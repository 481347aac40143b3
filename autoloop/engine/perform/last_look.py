"""The last look before effects begin: is each action still in our hands, and does anybody still want it?"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from autoloop.engine.perform.actions import Action
from autoloop.engine.perform.statements import BEGIN, LAST_LOOK

if TYPE_CHECKING:
    from autoloop.base.services import Services

__all__ = ["Looked", "look"]


@dataclass
class Looked:
    """Ids that may go; and actions whose run is paused, is over, or is about to leave by an exit rule.

    One that is in none of them was cancelled or is in other hands.
    """

    wanted: set[UUID] = field(default_factory=set)
    held: list[Action] = field(default_factory=list)
    dropped: list[Action] = field(default_factory=list)
    leaving: list[Action] = field(default_factory=list)


def look(services: Services, actions: Sequence[Action], once: Collection[UUID]) -> Looked:
    """Those of `once` that may go are marked as begun: commit before anything is done."""
    connection: Any = services.session.connection().connection.driver_connection
    by_id = {action.id: action for action in actions}
    looked = Looked()
    with connection.cursor(binary=True) as cursor:
        for id, run_status, workflow_status, leaves in cursor.execute(LAST_LOOK, _named(actions)):
            action = by_id[id]._replace(run_status=run_status, workflow_status=workflow_status)
            if action.is_over:
                looked.dropped.append(action)
            elif action.is_held:
                looked.held.append(action)
            elif leaves:
                looked.leaving.append(action)
            else:
                looked.wanted.add(id)
        going = [action for action in actions if action.id in looked.wanted and action.id in once]
        if going:
            begun = {row[0] for row in cursor.execute(BEGIN, _named(going))}
            looked.wanted -= {action.id for action in going} - begun
    return looked


def _named(actions: Sequence[Action]) -> dict[str, list[Any]]:
    return {
        "tenants": [action.workspace_id for action in actions],
        "ids": [action.id for action in actions],
        "fences": [action.fence for action in actions],
    }
