"""The verbs of workspaces."""

from autoloop.workspaces.services.audit import WorkspaceAudit
from autoloop.workspaces.services.members import Members
from autoloop.workspaces.services.workspaces import Workspaces

__all__ = ["Members", "WorkspaceAudit", "Workspaces"]
