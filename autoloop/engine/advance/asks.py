"""What a batch asks of other domains in its own transaction: mails, changes to contacts, events."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from autoloop.base.events import Event, emit
from autoloop.base.services import Services
from autoloop.engine.advance.claim import Claimed
from autoloop.engine.requests import EmailRequest
from autoloop.engine.trying import own_test
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
                dict(test.get("contact") or {}),
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

    __slots__ = ("add", "fields", "remove")

    def __init__(self) -> None:
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


def change_contacts(services: Services, turns: Turns) -> int:
    """Apply the effects of the batch, contacts in id order. Returns how many events it emitted."""
    changes: dict[tuple[str, str], _Change] = {}
    events: list[Event] = []
    businesses: list[tuple[UUID, UUID, UpdateBusiness]] = []
    handlers = services.registrations.effect_handlers
    for run, turn in turns:
        if own_test(run.is_test, run.variables):
            continue  # nobody is changed by somebody's test, and nobody told
        for effect in turn.effects:
            if isinstance(effect, Emit):
                source = f"run:{run.id}"
                events.append(
                    Event(
                        UUID(run.workspace_id), effect.name, UUID(run.contact_id), dict(effect.data), source
                    )
                )
            elif isinstance(effect, UpdateContact | AddTag | RemoveTag):
                changes.setdefault((run.workspace_id, run.contact_id), _Change()).take(effect)
            elif isinstance(effect, UpdateBusiness):
                businesses.append((UUID(run.workspace_id), UUID(run.contact_id), effect))
            elif "notify" in handlers:
                handlers["notify"](services, UUID(run.workspace_id), UUID(run.contact_id), effect)
            else:
                log.warning("nothing here can apply the effect notify")
    if changes:
        from autoloop.businesses.services.effects import ContactChange, apply_changes

        made = [
            ContactChange(UUID(key[0]), UUID(key[1]), change.fields, list(change.add), list(change.remove))
            for key, change in sorted(changes.items())
        ]
        apply_changes(services, made)
    if businesses and "update_business" in handlers:
        handlers["update_business"](services, businesses)
    if events:
        emit(services, events)
    return len(events)
