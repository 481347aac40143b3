"""Taking a fresh installation: the first account and its workspace, in one step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autoloop.accounts.models import User
from autoloop.accounts.services import Claims
from autoloop.base.services import Service
from autoloop.workspaces.models import Workspace
from autoloop.workspaces.services.workspaces import Workspaces

__all__ = ["Claiming"]


class Claiming(Service):
    def claim(self, given: Mapping[str, Any]) -> tuple[User, Workspace]:
        """Use a claim link up. `given`: token, name, email, password, workspace.

        Raises NotFound (the link is used or too old), Conflict (claimed already), Invalid.
        """
        user = self.services(Claims).take(
            given["token"], email=given["email"], name=given["name"], password=given["password"]
        )
        return user, self.services(Workspaces).create(given["workspace"], user.id)
