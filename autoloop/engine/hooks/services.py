"""Verbs of webhooks: make, change, rotate, remove."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, select

from autoloop.base.crypto import Keyring, digest, new_token
from autoloop.base.errors import Conflict, Invalid
from autoloop.base.i18n import _
from autoloop.base.ids import new_id
from autoloop.base.services import Service
from autoloop.engine.hooks.bodies import path_fits
from autoloop.engine.hooks.opening import SECRETS
from autoloop.engine.models import HookToken, IncomingHook, WorkflowTrigger
from autoloop.workspaces.services import WorkspaceAudit

__all__ = ["TARGETS", "Hooks"]

TARGETS = (
    "email",
    "external_id",
    "first_name",
    "last_name",
    "title",
    "phone",
    "timezone",
    "locale",
    "tags",
)
PLAIN = ("name", "is_active", "creates", "header")
MOST = 200


class Hooks(Service):
    """A webhook's address is shown once, when it is made or rotated; only its hash is kept."""

    def rows(self) -> Select[Any]:
        return select(IncomingHook).where(IncomingHook.workspace_id == self.workspace_id)

    def find(self, id: UUID) -> IncomingHook | None:
        return self.session.get(IncomingHook, (self.workspace_id, id))

    def create(self, given: Mapping[str, Any]) -> tuple[IncomingHook, str]:
        """A new webhook and its token. Raises Invalid with a message per field."""
        count = select(func.count()).where(IncomingHook.workspace_id == self.workspace_id)
        if (self.session.scalar(count) or 0) >= MOST:
            raise Conflict(_("A workspace has at most ${most} webhooks.", mapping={"most": MOST}))
        row = IncomingHook(workspace_id=self.workspace_id, id=new_id(), mapping={}, token_hint="")
        self._set(row, given)
        token = self._new_token(row)
        self.add(row)
        self._note("webhook.created", row)
        return row, token

    def change(self, row: IncomingHook, given: Mapping[str, Any]) -> IncomingHook:
        """Change what is given. Deliveries follow at once."""
        self._set(row, given)
        row.updated_at = func.clock_timestamp()
        self.session.flush()
        self.session.refresh(row)
        self._note("webhook.changed", row, fields=sorted(given))
        return row

    def rotate(self, row: IncomingHook) -> str:
        """A new address; the old one is unknown from this commit on."""
        self.session.execute(self._tokens(row))
        token = self._new_token(row)
        row.updated_at = func.clock_timestamp()
        self.session.flush()
        self.session.refresh(row)
        self._note("webhook.rotated", row)
        return token

    def remove(self, row: IncomingHook) -> None:
        """Remove it. Raises Conflict while a live workflow starts by it."""
        listens = select(WorkflowTrigger.id).where(
            WorkflowTrigger.workspace_id == self.workspace_id,
            WorkflowTrigger.is_active,
            WorkflowTrigger.type == "incoming_webhook",
            WorkflowTrigger.config["hook_id"].astext == str(row.id),
        )
        if self.session.scalars(listens.limit(1)).first() is not None:
            raise Conflict(
                _("A workflow starts by this webhook. Take it out of the workflow first."), code="IN_USE"
            )
        self._note("webhook.removed", row)
        self.session.execute(self._tokens(row))
        self.session.delete(row)
        self.session.flush()

    def url(self, token: str) -> str:
        return f"{self.settings.public_url.rstrip('/')}/hooks/{token}"

    def _tokens(self, row: IncomingHook) -> Any:
        return delete(HookToken).where(
            HookToken.workspace_id == self.workspace_id, HookToken.target_id == row.id
        )

    def _new_token(self, row: IncomingHook) -> str:
        token = new_token()
        row.token_hint = token[-4:]
        self.session.add(
            HookToken(token_hash=digest(token), workspace_id=self.workspace_id, kind="hook", target_id=row.id)
        )
        return token

    def _note(self, action: str, row: IncomingHook, **data: Any) -> None:
        self.services(WorkspaceAudit).note(action, subject=str(row.id), name=row.name, **data)

    def _set(self, row: IncomingHook, given: Mapping[str, Any]) -> None:
        for name in PLAIN:
            if name in given:
                setattr(row, name, given[name])
        if "mapping" in given:
            row.mapping = checked_mapping(given["mapping"])
        if "event_id_path" in given:
            path = given["event_id_path"] or None
            if path is not None and not path_fits(path):
                raise Invalid(details={"event_id_path": [_("This is no path.")]})
            row.event_id_path = path
        if given.get("secret"):
            row.secret = Keyring(self.settings.secret_keys).seal(SECRETS, given["secret"].encode())
        if "scheme" in given:
            row.scheme = given["scheme"]
        if row.scheme and row.scheme != "none" and row.secret is None:
            raise Invalid(details={"secret": [_("A signature needs a secret that both sides know.")]})


def checked_mapping(given: Mapping[str, Any]) -> dict[str, str]:
    """Contact's field → path in the body. Raises Invalid."""
    wrong = {}
    for name, path in given.items():
        known = name in TARGETS or (name.startswith("fields.") and 7 < len(name) <= 71)
        if not known:
            wrong[f"mapping.{name[:80]}"] = [
                _(
                    "A contact has no such field. Use ${names}, fields.…",
                    mapping={"names": ", ".join(TARGETS)},
                )
            ]
        elif not isinstance(path, str) or not path_fits(path):
            wrong[f"mapping.{name}"] = [_("Give a path like customer.email or /customer/email.")]
    if len(given) > 50:
        wrong["mapping"] = [_("At most 50 fields can be mapped.")]
    if wrong:
        raise Invalid(details=wrong)
    return dict(given)
