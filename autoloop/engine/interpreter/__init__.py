"""The interpreter: one run's turn as a pure function. No I/O, no clock, no database, no chance.

`interpret` takes where a run stands, what is known, and what reached it, and walks it until each of its
positions waits or has ended. The same function serves real runs, the simulator and the tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from autoloop.engine.graph import CompiledGraph
from autoloop.engine.interpreter.arrivals import Arrivals
from autoloop.engine.interpreter.effects import plain_outcome, sentence
from autoloop.engine.turns import Facts, Limits, State, Stimulus, Turn

__all__ = ["interpret", "plain_outcome", "sentence"]

NO_FACTS = Facts()
USUAL = Limits()


def interpret(
    graph: CompiledGraph,
    state: State,
    facts: Facts | None,
    stimuli: Sequence[Stimulus],
    now: datetime,
    limits: Limits = USUAL,
) -> Turn:
    """One turn of one run: `stimuli` in their order, then timers that have passed, then what is free to go.

    `state` is not changed. Never raises, whatever the steps do.
    """
    turn = Arrivals(graph, state, facts or NO_FACTS, now, limits)
    if graph.goals:
        turn.listen()
        turn.look()
    for stimulus in stimuli:
        if turn.over:
            turn.late(stimulus)
        else:
            turn.deliver(stimulus)
    if not turn.over:
        turn.timers()
    if not turn.over:
        turn.free()
    if graph.joins or graph.goals:
        turn.together()
    return turn.result()
