"""Trying a graph: the real interpreter, a clock that jumps over waits, outcomes that a person picks.

Nothing is sent and nothing is written: what a step asks of the world is answered from the scenario.
"""

from autoloop.engine.simulate.scenario import Happens, Scenario
from autoloop.engine.simulate.services import Simulations
from autoloop.engine.simulate.walk import simulate
from autoloop.engine.simulate.world import World

__all__ = ["Happens", "Scenario", "Simulations", "World", "simulate"]
