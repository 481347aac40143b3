"""The keys that sign: read with each batch, opened once per process."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from autoloop.base.crypto import Keyring
from autoloop.mail.addresses import ascii_domain
from autoloop.mail.delivery.outgoing import Outgoing
from autoloop.mail.dkim import Signer
from autoloop.mail.services.domains import SEALED

__all__ = ["Keys"]

log = logging.getLogger(__name__)

KEYS = text("""
select k.id, k.domain_id, k.selector, k.algorithm, k.private, d.name from dkim_keys k
join sending_domains d on d.workspace_id = k.workspace_id and d.id = k.domain_id
where (k.workspace_id, k.domain_id) in (
  select * from unnest(cast(:tenants as uuid[]), cast(:domains as uuid[]))) and k.status = 'active'
order by k.algorithm desc""")


class Keys:
    """Signers by domain. A key that was retired or removed signs nothing from the next batch on."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        self._keyring = Keyring(tuple(secret_keys))
        self._opened: dict[UUID, Signer] = {}
        self._signers: dict[UUID, list[Signer]] = {}
        self._broken: set[UUID] = set()

    def fetch(self, session: Session, mails: Sequence[Outgoing]) -> None:
        """Read which keys these mails' domains have now, in one statement. One that cannot be opened holds up
        its own domain's mail, and no other: see `lacks`."""
        wanted = sorted({(mail.workspace_id, mail.domain_id) for mail in mails if mail.domain_id})
        self._signers, self._broken = {}, set()
        if not wanted:
            return
        given = {"tenants": [key[0] for key in wanted], "domains": [key[1] for key in wanted]}
        opened = {}
        for row in session.execute(KEYS, given):
            signer = self._opened.get(row.id)
            try:
                signer = signer or self._open(row)
            except Exception:
                log.exception("the key %s of a sending domain cannot be opened", row.selector)
                self._broken.add(row.domain_id)
                continue
            opened[row.id] = signer
            self._signers.setdefault(row.domain_id, []).append(signer)
        self._opened = opened

    def _open(self, row: Any) -> Signer:
        private = self._keyring.open(SEALED, bytes(row.private))
        return Signer(ascii_domain(row.name), row.selector, row.algorithm, private)

    def lacks(self, mail: Outgoing) -> bool:
        """Whether mail of this domain would go without a signature that it is to have."""
        return mail.domain_id in self._broken

    def of(self, mail: Outgoing) -> Sequence[Signer]:
        return self._signers.get(mail.domain_id, ()) if mail.domain_id else ()
