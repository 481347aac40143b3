"""Credentials: made and changed by people, sealed for their own row, shown to nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import colander
import orjson
from sqlalchemy import Select, exists, select

from autoloop.base.crypto import Keyring
from autoloop.base.errors import Conflict, Invalid, NotFound
from autoloop.base.i18n import _
from autoloop.base.ids import new_id
from autoloop.base.services import Service
from autoloop.workspaces.credentials.kinds import KINDS, secret_names
from autoloop.workspaces.credentials.models import Credential
from autoloop.workspaces.services import WorkspaceAudit

__all__ = ["Credentials", "purpose"]


def purpose(workspace_id: UUID, id: UUID) -> str:
    """What a credential is sealed for: put into another row, it opens no more."""
    return f"credential:{workspace_id}:{id}"


class Credentials(Service):
    """Named secrets of the workspace."""

    def rows(self) -> Select[Any]:
        """All that may be shown of them."""
        table = Credential
        shown = (table.id, table.name, table.kind, table.config, table.last_used_at)
        return select(*shown, table.created_at, table.updated_at).where(
            table.workspace_id == self.workspace_id
        )

    def find(self, id: UUID) -> Any | None:
        return self.session.execute(self.rows().where(Credential.id == id)).one_or_none()

    def create(self, given: Mapping[str, Any]) -> Any:
        """Keep a secret: name, kind, data. Raises Invalid with each part's place, Conflict for the name."""
        if given["kind"] not in KINDS:
            raise Invalid(details={"kind": [_("There is no such kind of credential.")]})
        self._check_name(given["name"])
        id = new_id()
        config, secrets = self._split(given["kind"], given["data"])
        self.add(
            Credential(
                workspace_id=self.workspace_id,
                id=id,
                name=given["name"],
                kind=given["kind"],
                config=config,
                secrets=self._seal(id, secrets),
            )
        )
        self.services(WorkspaceAudit).note("credential.created", subject=given["name"], kind=given["kind"])
        return self.find(id)

    def change(self, id: UUID, given: Mapping[str, Any]) -> Any:
        """Another name, or other data: secret parts that are left out stay as they are."""
        row = self._locked(id)
        if given.get("name") not in (None, row.name):
            self._check_name(given["name"])
            row.name = given["name"]
        if "data" in given:
            names = secret_names(row.kind)
            known = self._open(row)
            wanted = {name: value for name, value in given["data"].items() if value or name not in names}
            row.config, secrets = self._split(row.kind, {**row.config, **known, **wanted})
            row.secrets = self._seal(id, secrets)
        row.updated_at = self.clock.now()
        self.session.flush()
        self.services(WorkspaceAudit).note("credential.changed", subject=row.name, fields=sorted(given))
        return self.find(id)

    def remove(self, id: UUID) -> None:
        """Forget a secret. Raises Conflict while a workflow that runs names it."""
        row = self._locked(id)
        users = self.services.registrations.fact_loaders.get("credential_users")
        names = users(self.services, id) if users is not None else []
        if names:
            raise Conflict(
                _("Workflows that run use this credential: ${names}.", mapping={"names": ", ".join(names)}),
                code="CREDENTIAL_IN_USE",
            )
        self.session.delete(row)
        self.session.flush()
        self.services(WorkspaceAudit).note("credential.removed", subject=row.name)

    def _split(self, kind: str, data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        schema = KINDS[kind]()
        schema.typ.unknown = "raise"
        try:
            read = schema.deserialize(dict(data))
        except colander.Invalid as error:
            found = {f"data.{key}".rstrip("."): [str(text)] for key, text in error.asdict().items()}
            raise Invalid(details=found) from None
        secret = secret_names(kind)
        return (
            {name: value for name, value in read.items() if name not in secret},
            {name: value for name, value in read.items() if name in secret},
        )

    def _seal(self, id: UUID, secrets: Mapping[str, Any]) -> bytes:
        return self._keyring().seal(purpose(self.workspace_id, id), orjson.dumps(secrets))

    def _locked(self, id: UUID) -> Credential:
        row = self.session.get(Credential, (self.workspace_id, id), with_for_update=True)
        if row is None:  # removed since it was looked at
            raise NotFound
        return row

    def _open(self, row: Credential) -> dict[str, Any]:
        """Its secret parts; none if no key of the installation opens them any more: all are asked for anew."""
        try:
            raw = self._keyring().open(purpose(self.workspace_id, row.id), bytes(row.secrets))
        except ValueError:
            return {}
        opened: dict[str, Any] = orjson.loads(raw)
        return opened

    def _keyring(self) -> Keyring:
        return Keyring(self.settings.secret_keys)

    def _check_name(self, name: str) -> None:
        same = (Credential.workspace_id == self.workspace_id, Credential.name == name)
        if self.session.scalar(select(exists().where(*same))):
            raise Conflict(
                _("There is a credential of this name."), details={"name": [_("is taken already")]}
            )
