"""The verbs of workflows: edit, check, publish, pause, start, count, carry elsewhere."""

from autoloop.workflows.services.drafts import Drafts
from autoloop.workflows.services.figures import Figures
from autoloop.workflows.services.life import Life
from autoloop.workflows.services.moving import Moving
from autoloop.workflows.services.starting import Starting
from autoloop.workflows.services.testing import Testing
from autoloop.workflows.services.versions import Versions
from autoloop.workflows.services.workflows import Workflows, existing_workflows

__all__ = [
    "Drafts",
    "Figures",
    "Life",
    "Moving",
    "Starting",
    "Testing",
    "Versions",
    "Workflows",
    "existing_workflows",
]
