"""The states of an email: what moves one on keeps to the published machine."""

from __future__ import annotations

from autoloop.mail.delivery.outcomes import PORTS
from autoloop.mail.models import TRANSITIONS, Status
from autoloop.mail.services.happenings import MOVES
from autoloop.mail.services.unknowns import SETTLED


def test_every_state_can_be_reached_and_what_a_run_was_told_is_never_taken_back() -> None:
    assert TRANSITIONS.keys() == set(Status)
    assert set().union(*TRANSITIONS.values()) == set(Status)
    unsent = {state for state, port in PORTS.items() if port != "sent"}
    assert not set().union(*(TRANSITIONS[Status(state)] for state in unsent))


def test_events_and_people_move_an_email_as_the_machine_allows() -> None:
    for to, places in MOVES.values():
        for place in places:  # what was being sent is accepted first
            assert to in TRANSITIONS[Status.ACCEPTED if place is Status.SENDING else place] | {
                Status.ACCEPTED
            }
    assert set(SETTLED.values()) | {Status.RESENT} <= TRANSITIONS[Status.UNKNOWN]
