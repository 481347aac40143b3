"""What a batch asks of other domains in its own transaction: mails, changes to contacts, events."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from autoloop.base.events import Event, emit
from autoloop.base.services import Services
from autoloop.engine.advance.claim import Claimed
from autoloop.engine.chains import place_of_told
from autoloop.engine.requests import EmailRequest
from autoloop.engine.trying import own_fields, own_test
from autoloop.engine.turns import Turn
from autoloop.plugins.effects import AddTag, Effect, Emit, RemoveTag, UpdateBusiness, UpdateContact
from autoloop.plugins.outcomes import SendEmail

__all__ = ["ask_for_mails", "change_contacts"]

log = logging.getLogger(__name__)
Turns = Sequence[tuple[Claimed, Turn]]


def ask_for_mails(services: Services, turns: Turns) -> int:
    """Hand the batch's emails to mail, and call off those of runs that ended. Returns how many were asked."""
    wanted: list[EmailRequest] = []
    for run, turn in turns:
        test = own_test(run.is_test, run.variables)
        for node, visit, email in turn.emails:
            request = EmailRequest(
                UUID(run.workspace_id),
                UUID(run.id),
                UUID(run.contact_id),
                UUID(run.workflow_id),
                UUID(run.version_id),
                node,
                visit,
                UUID(str(email.template_id)),
                email.template_version,
                UUID(str(email.sender_id)) if email.sender_id else None,
                email.kind,
                email.priority,
                email.on_unknown or "hold",
                run.is_test,
                dict(email.variables),
                email.due_at,
                _limits(email),
                test.get("to"),
                own_fields(test),
                email.topic,
                email.tracked,
                dict(test.get("business") or {}),
                bool(test.get("invented")),
            )
            wanted.append(request)
    handlers = services.registrations.effect_handlers
    ended = [(UUID(run.workspace_id), UUID(run.id)) for run, turn in turns if turn.mailed]
    if ended and "end_runs" in handlers:
        handlers["end_runs"](services, ended)
    if wanted:
        handlers["send_email"](services, wanted)
    return len(wanted)


def _limits(email: SendEmail) -> dict[str, Any]:
    cooldown = {"cooldown_hours": email.cooldown_hours} if email.cooldown_hours else {}
    return {**cooldown, "once": True} if email.once else cooldown


class _Change:
    """Effects on one contact, merged in the order they came."""

    __slots__ = ("add", "chain", "fields", "remove")

    def __init__(self) -> None:
        self.chain = 0
        self.fields: dict[str, Any] = {}
        self.add: dict[str, None] = {}
        self.remove: dict[str, None] = {}

    def take(self, effect: Effect) -> None:
        if isinstance(effect, UpdateContact):
            self.fields.update(effect.set)
        elif isinstance(effect, AddTag):
            self.remove.pop(effect.tag, None)
            self.add[effect.tag] = None
        elif isinstance(effect, RemoveTag):
            self.add.pop(effect.tag, None)
            self.remove[effect.tag] = None


# Who changed by a chain of runs: read by the triggers that note whose segments are to be asked again.
CHAINS = text("select set_config('autoloop.chains', :chains, true)")


def change_contacts(services: Services, turns: Turns, now: datetime) -> int:
    """Apply the effects of the batch, contacts in id order. Returns how many events and changes."""
    changes: dict[tuple[str, str], _Change] = {}
    events: list[Event] = []
    businesses: list[tuple[UUID, UUID, UpdateBusiness]] = []
    chains: dict[str, int] = {}
    handlers = services.registrations.effect_handlers
    for run, turn in turns:
        if not turn.effects or own_test(run.is_test, run.variables):
            continue  # nobody is changed by somebody's test, and nobody told
        place = place_of_told(run.id, run.variables, now)
        workspace, contact = UUID(run.workspace_id), UUID(run.contact_id)
        chains[run.contact_id] = max(place, chains.get(run.contact_id, 0))
        for effect in turn.effects:
            if isinstance(effect, Emit):
                data = dict(effect.data)
                events.append(Event(workspace, effect.name, contact, data, f"run:{run.id}", chain=place))
            elif isinstance(effect, UpdateContact | AddTag | RemoveTag):
                change = changes.setdefault((run.workspace_id, run.contact_id), _Change())
                change.take(effect)
                change.chain = max(change.chain, place)
            elif isinstance(effect, UpdateBusiness):
                businesses.append((workspace, contact, effect))
            elif "notify" in handlers:
                handlers["notify"](services, workspace, contact, effect)
            else:
                log.warning("nothing here can apply the effect notify")
    if changes or businesses or events:
        services.session.execute(CHAINS, {"chains": orjson.dumps(chains).decode()})
    if changes:
        _apply(services, changes)
    if businesses and "update_business" in handlers:
        handlers["update_business"](services, businesses)
    if events:
        emit(services, events)
    return len(events) + len(changes)


def _apply(services: Services, changes: dict[tuple[str, str], _Change]) -> None:
    from autoloop.businesses.services.effects import ContactChange, apply_changes

    made = [
        ContactChange(
            UUID(workspace), UUID(contact), each.fields, list(each.add), list(each.remove), each.chain
        )
        for (workspace, contact), each in sorted(changes.items(), key=lambda item: item[0])
    ]
    apply_changes(services, made)
