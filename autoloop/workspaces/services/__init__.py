"""The verbs of workspaces."""

from autoloop.workspaces.services.audit import WorkspaceAudit
from autoloop.workspaces.services.claiming import Claiming
from autoloop.workspaces.services.members import Members
from autoloop.workspaces.services.workspaces import Workspaces

__all__ = ["Claiming", "Members", "WorkspaceAudit", "Workspaces"]
