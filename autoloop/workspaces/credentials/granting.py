"""Credentials for the engine: opened for the steps that name them."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select, text, tuple_

from autoloop.base.choices import Choice, rows_to_choose
from autoloop.base.crypto import Keyring
from autoloop.base.services import Services
from autoloop.workspaces.credentials.models import Credential
from autoloop.workspaces.credentials.services import purpose

__all__ = ["existing", "opened", "to_choose"]

log = logging.getLogger(__name__)

# To the minute is enough, and two workers never wait for each other over it.
USED = text("""
update credentials c set last_used_at = now() from (
  select k.workspace_id, k.id from credentials k
  join unnest(cast(:tenants as uuid[]), cast(:ids as uuid[])) u(tenant, id)
    on k.workspace_id = u.tenant and k.id = u.id
  where k.last_used_at is null or k.last_used_at < now() - interval '1 minute'
  for no key update of k skip locked) stale
where c.workspace_id = stale.workspace_id and c.id = stale.id
""")


def existing(services: Services, ids: Collection[UUID]) -> set[UUID]:
    """Those of the ids that are credentials of the workspace."""
    rows = select(Credential.id).where(
        Credential.workspace_id == services.workspace_id, Credential.id.in_(ids)
    )
    return set(services.session.scalars(rows))


def to_choose(services: Services, q: str, keep: Collection[str]) -> list[Choice]:
    """Credentials for a form to choose from, with their kind."""
    return rows_to_choose(services, Credential, Credential.name, q, keep, note=Credential.kind)


def opened(
    services: Services, wanted: Collection[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], dict[str, Any]]:
    """The data of credentials by (workspace, id), with `kind`; of any tenants, for a worker.

    One that no key opens any more is left out, as if it were gone.
    """
    found: dict[tuple[UUID, UUID], dict[str, Any]] = {}
    keyring = Keyring(services.settings.secret_keys)
    table = Credential
    rows = services.session.execute(
        select(table.workspace_id, table.id, table.kind, table.config, table.secrets).where(
            tuple_(table.workspace_id, table.id).in_(list(wanted))
        )
    )
    for workspace_id, id, kind, config, secrets in rows:
        try:
            data = orjson.loads(keyring.open(purpose(workspace_id, id), bytes(secrets)))
        except ValueError:
            log.error("none of the installation's keys opens the credential %s", id)
            continue
        found[workspace_id, id] = {**config, **data, "kind": kind}
    if found:
        keys = list(found)
        values = {"tenants": [key[0] for key in keys], "ids": [key[1] for key in keys]}
        services.session.execute(USED, values)
    return found
