"""Layouts of any graph: nothing overlaps, ways lead down unless they lead back, texts cannot break out."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoloop.plugins.registry import Registry
from autoloop.workflows.picture import draw, draw_small, lay_out
from autoloop.workflows.picture.boxes import figure

EXAMPLE = Path(__file__).parents[3] / "examples" / "workflows" / "three-step-outreach.json"


@pytest.fixture(scope="module")
def plugins() -> Registry:
    return Registry.load()


@st.composite
def graphs(draw_from):
    count = draw_from(st.integers(1, 25))
    nodes = [f"n{number}" for number in range(count)]
    ends = st.sampled_from(nodes)
    return nodes, draw_from(st.lists(st.tuples(ends, ends), max_size=60, unique=True))


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_no_two_nodes_overlap_and_every_edge_is_routed_from_end_to_end(graph):
    nodes, edges = graph
    layout = lay_out(nodes, edges, nodes[0])
    assert set(layout.places) == set(nodes)
    rows: dict[int, list[float]] = {}
    for rank, across in layout.places.values():
        assert 0 <= rank < layout.ranks
        assert -0.001 <= across <= layout.width - 0.999
        rows.setdefault(rank, []).append(across)
    for row in rows.values():
        row.sort()
        assert all(right - left > 0.999 for left, right in itertools.pairwise(row))
    for (source, target), route in zip(edges, layout.routes, strict=True):
        assert route[0] == layout.places[source]
        assert route[-1] == layout.places[target]
        steps = {b[0] - a[0] for a, b in itertools.pairwise(route)}
        assert source == target or steps in ({1}, {-1})


def test_a_chain_stands_in_one_line():
    layout = lay_out(["a", "b", "c"], [("a", "b"), ("b", "c")], "a")
    assert layout.places == {"a": (0, 0), "b": (1, 0), "c": (2, 0)}


def test_500_nodes_with_2000_edges_between_any_of_them_are_laid_out():
    nodes = [f"n{number}" for number in range(500)]
    edges = [(f"n{number * 7 % 500}", f"n{number * 13 % 499}") for number in range(2000)]
    assert len(lay_out(nodes, edges).places) == 500


def test_the_example_is_drawn_with_its_ports_counts_and_triggers(plugins):
    held = json.loads(EXAMPLE.read_text())
    shown = figure(held["graph"], held["triggers"], plugins)
    picture = draw(shown, label="Three-step outreach", counts={"wait_1": "12 here"}, problems=["split"])
    tree = ET.fromstring(str(picture))
    texts = ["".join(text.itertext()) for text in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert {
        "Started by hand",
        "Send email",
        "failed, skipped",
        "yes",
        "no",
        "12 here",
        "Tag “replied”",
    } <= set(texts)
    assert "style" not in str(picture)  # the pages' policy refuses inline styles
    ET.fromstring(str(draw_small(shown)))


def test_hostile_words_stay_words(plugins):
    bad = '"><script>alert(1)</script>'
    graph = {
        "nodes": [
            {"id": "a", "type": bad, "note": bad},
            {"id": "b", "type": "stop", "config": {"reason": bad}},
        ],
        "edges": [{"from": "a", "to": "b", "port": "next"}, {"from": "a", "to": "a"}],
    }
    picture = str(draw(figure(graph, [{"type": bad}, {"config": []}], plugins), label=bad, counts={"b": bad}))
    ET.fromstring(picture)
    assert "<script" not in picture


@pytest.mark.parametrize("graph", [None, [], {}, {"nodes": 7}, {"nodes": [{}]}, {"edges": [None]}])
def test_what_cannot_be_read_gives_an_empty_picture(graph, plugins):
    assert draw(figure(graph, [], plugins), label="") == ""
    assert draw_small(figure(graph, [], plugins)) == ""
