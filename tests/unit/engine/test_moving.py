"""What a move makes of a run's state: lists, merges, outputs, names that were already changed once."""

from __future__ import annotations

from typing import Any

from autoloop.engine.moving import Place, carry, place_of, route_between

NOW = "2026-03-01T10:00:00+00:00"
SINCE = "2026-02-01T10:00:00+00:00"


def graph(**types: str) -> dict[str, Any]:
    return {"nodes": [{"id": id, "type": kind} for id, kind in types.items()]}


def at(node: str, visit: int = 1, wait: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": 1, "node": node, "visit": visit, "since": SINCE, **more} | (
        {"wait": {"kind": wait}} if wait else {}
    )


def test_identity_is_the_same_id_and_type() -> None:
    route = route_between(graph(a="wait", b="branch", c="wait"), graph(a="wait", b="filter"), {})
    assert dict(route.nodes) == {"a": "a"}
    assert route_between(graph(a="wait"), graph(a="wait"), {"a": None}).nodes == {}
    state = carry(route, [at("a", 3, "timer")], {"a": 3}, {"vars": {"x": 1}}, NOW)
    assert state == ([at("a", 3, "timer")], {"a": 3}, {"vars": {"x": 1}}, [], [])


def test_what_only_the_same_type_can_take_stays() -> None:
    route = route_between(graph(a="send_email", each="for_each"), graph(x="wait"), {"a": "x", "each": "x"})
    assert route.refusal([Place("a", "email")]) == ("its_email_is_under_way", "a")
    assert route.refusal([Place("a", None, ("each",))]) == ("its_list_is_gone", "each")
    assert route.refusal([Place("b", None)]) == ("no_step_to_go_to", "b")
    assert route.refusal([Place("a", "timer")]) is None
    both = route_between(graph(i="for_each", o="for_each"), graph(x="for_each"), {"i": "x", "o": "x"})
    assert both.refusal([Place("i", None, ("o", "i"))]) is not None  # two lists would become one


def test_a_step_of_another_type_begins_anew() -> None:
    route = route_between(graph(a="wait"), graph(x="add_tag"), {"a": "x"})
    held = carry(route, [at("a", 2, "timer", attempt=3)], {"a": 2, "x": 4}, {}, NOW)
    assert held.positions == [{"id": 1, "node": "x", "visit": 5, "since": NOW}] and held.is_free
    assert (held.gone, held.renamed, held.visits) == ([("a", 2)], [], {"a": 2, "x": 5})


def test_lists_outputs_merges_and_goals_follow_their_steps() -> None:
    before = graph(each="for_each", ask="http_request", m="merge", gone="merge", won="goal", far="goal")
    after = graph(loop="for_each", call="http_request", m="merge", reached="goal", far="goal")
    route = route_between(before, after, {"each": "loop", "ask": "call", "won": "reached"})
    position = at("ask", 2, "action", loops=[["each:1", 4]], past=["m", "gone"])
    assert (
        place_of(position) == Place("ask", "action", ("each",))
        and route.refusal([place_of(position)]) is None
    )
    variables = {
        "outputs": {"ask": 1, "other": 2},
        "lists": {"each:1": [1, 2]},
        "goals": {"won": SINCE, "far": "open"},
    }
    held = carry(route, [position], {"each": 1, "ask": 2}, variables, NOW)
    (moved,) = held.positions
    assert moved["loops"] == [["loop:1", 4]] and moved["past"] == ["m"] and moved["since"] == SINCE
    assert held.variables["outputs"] == {"call": 1, "other": 2}
    assert held.variables["lists"] == {"loop:1": [1, 2]}
    assert held.variables["goals"] == {"reached": SINCE}  # what is open listens anew
    assert held.variables["moved"] == {"ask:2": ["call", 1]} and held.renamed == [("ask", 2, "call", 1)]
    assert variables["outputs"] == {"ask": 1, "other": 2}  # what was given stays as it was


def test_names_are_followed_through_several_moves() -> None:
    first = route_between(graph(a="wait_for_event"), graph(b="wait_for_event"), {"a": "b"})
    second = route_between(graph(b="wait_for_event"), graph(c="wait_for_event"), {"b": "c"})
    once = carry(first, [at("a", 1, "event")], {"a": 1}, {}, NOW)
    twice = carry(second, once.positions, once.visits, once.variables, NOW)
    assert twice.variables["moved"] == {"a:1": ["c", 1], "b:1": ["c", 1]}
    back = route_between(graph(c="wait_for_event"), graph(x="add_tag"), {"c": "x"})
    assert "moved" not in carry(back, twice.positions, twice.visits, twice.variables, NOW).variables
