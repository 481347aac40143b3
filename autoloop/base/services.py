"""What one unit of work hands to its services: a session, a clock, settings; services by class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from uuid import UUID

from sqlalchemy.orm import Session

from autoloop.base.clock import Clock
from autoloop.base.db import enter_workspace
from autoloop.base.generations import changed
from autoloop.base.nudges import nudge_after_commit

if TYPE_CHECKING:
    from autoloop.base.nudges import Nudger
    from autoloop.base.registrations import Registrations
    from autoloop.settings import Settings

__all__ = ["Service", "Services"]

S = TypeVar("S", bound="Service")


class Services:
    """Finds services by class, one of each per unit of work: `services(Contacts).create(...)`."""

    def __init__(
        self,
        session: Session,
        clock: Clock,
        settings: Settings,
        registrations: Registrations,
        workspace_id: UUID | None = None,
        user_id: UUID | None = None,
        nudger: Nudger | None = None,
        key_id: UUID | None = None,
    ) -> None:
        self.session = session
        self.clock = clock
        self.settings = settings
        self.registrations = registrations
        self.user_id = user_id
        self.key_id = key_id  # the API key by which the person came
        self._nudger = nudger
        self._workspace_id = workspace_id
        self._built: dict[type[Service], Service] = {}

    @property
    def workspace_id(self) -> UUID:
        """The tenant this unit of work is in. A programming error outside one."""
        if self._workspace_id is None:
            raise LookupError("this unit of work is in no workspace")
        return self._workspace_id

    def enter(self, workspace_id: UUID | None) -> None:
        """Go into a workspace: services and row-level security follow."""
        self._workspace_id = workspace_id
        enter_workspace(self.session, workspace_id)

    def changed(self, *resources: str) -> None:
        """What is cached of these resources of the workspace is stale once this commits."""
        changed(self.session, self.workspace_id, *resources)

    def nudge(self, *kinds: str) -> None:
        """Say, once this transaction has committed, that there is work of these kinds."""
        if self._nudger is not None:
            nudge_after_commit(self.session, self._nudger, *kinds)

    def __call__(self, cls: type[S]) -> S:
        found = self._built.get(cls)
        if found is None:
            found = self._built[cls] = cls.build(self)
        return cast("S", found)


class Service:
    """Base of all services. A service never sees a request and never commits."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.session: Session = services.session
        self.clock = services.clock
        self.settings = services.settings

    @classmethod
    def build(cls, services: Services) -> Self:
        return cls(services)

    @property
    def workspace_id(self) -> UUID:
        return self.services.workspace_id

    def add(self, row: Any) -> Any:
        """Add a row and flush it, so that constraints speak now."""
        self.session.add(row)
        self.session.flush()
        return row
