"""The triggers of segments keep the contract, and listen to their own segment alone."""

from __future__ import annotations

from autoloop.plugins.testing import TriggerContract
from autoloop.plugins.testing.fakes import NOW
from autoloop.plugins.triggers import TriggerEvent
from autoloop_plugins.triggers.segment_entered import SegmentEntered
from autoloop_plugins.triggers.segment_left import SegmentLeft

ONE, OTHER = "0198c0de-0000-7000-8000-00000000000a", "0198c0de-0000-7000-8000-00000000000b"


class TestSegmentEntered(TriggerContract):
    trigger = SegmentEntered
    configs = ({"segment_id": ONE},)
    bad_configs = ({}, {"segment_id": "vips"}, {"segment_id": 3})


class TestSegmentLeft(TriggerContract):
    trigger = SegmentLeft
    configs = ({"segment_id": ONE},)
    bad_configs = ({}, {"segment_id": "vips"})


def test_only_its_own_segment_starts_runs() -> None:
    config = {"segment_id": ONE.upper()}
    events = [TriggerEvent("segment.entered", {"segment_id": key}, NOW) for key in (ONE, OTHER)]
    assert [SegmentEntered().accepts(event, config) for event in events] == [True, False]
