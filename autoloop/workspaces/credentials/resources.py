"""Places of credentials in the tree."""

from __future__ import annotations

from typing import Any

from autoloop.web.tree import Collection, Row
from autoloop.workspaces.credentials.services import Credentials as Service

__all__ = ["Credential", "Credentials"]


class Credential(Row):
    """A named secret; never the secret itself."""

    def load(self) -> Any | None:
        return self.request.services(Service).find(self.id)


class Credentials(Collection):
    """The secrets that steps of this workspace may be granted."""

    row_node = Credential
