"""Contract tests for authors of plugins: derive a class, name your plugin, run pytest.

    from autoloop.plugins.testing import StepContract

    class TestMyStep(StepContract):
        step = MyStep
        configs = [{"days": 3}]            # settings that must be taken
        bad_configs = [{"days": "soon"}]   # settings that must be refused

`visit` walks a single step by hand; `context` makes what a step sees.
"""

from autoloop.plugins.testing.fakes import Answers, context, visit
from autoloop.plugins.testing.steps import StepContract
from autoloop.plugins.testing.triggers import TriggerContract

__all__ = ["Answers", "StepContract", "TriggerContract", "context", "visit"]
