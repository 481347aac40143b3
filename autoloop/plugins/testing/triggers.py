"""The contract of triggers, as tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from autoloop.plugins.forms import ConfigProblems, json_schema, read_config, schema_of
from autoloop.plugins.registry import Registry
from autoloop.plugins.testing.fakes import NOW
from autoloop.plugins.triggers import Trigger, TriggerEvent

__all__ = ["TriggerContract"]


class TriggerContract:
    """Derive, set `trigger` and `configs`."""

    trigger: ClassVar[type[Trigger]]
    configs: ClassVar[Sequence[dict[str, Any]]] = ({},)
    bad_configs: ClassVar[Sequence[Any]] = ()

    @pytest.fixture(autouse=True)
    def _made(self) -> None:
        self.made = self.trigger()

    def test_the_registry_takes_it(self) -> None:
        Registry().add("trigger", self.trigger)

    def test_it_says_what_it_is(self) -> None:
        assert self.made.title.strip()
        assert self.made.description().strip()
        json.dumps(json_schema(schema_of(self.made)))

    def test_it_takes_its_settings(self) -> None:
        for config in self.configs:
            read = read_config(self.made, config)
            name = self.made.event_name(read)
            assert name is None or name.strip()
            assert isinstance(self.made.summary(read), str)

    def test_it_refuses_bad_settings(self) -> None:
        for config in (*self.bad_configs, {"no such setting": 1}, None):
            with pytest.raises(ConfigProblems):
                read_config(self.made, config)

    def test_it_decides_on_any_data(self) -> None:
        for config in self.configs:
            read = read_config(self.made, config)
            for data in ({}, {"a": None}, {"deep": {"list": [1, {"x": 2}]}}):
                event = TriggerEvent(self.made.event_name(read) or "any", data, NOW)
                assert self.made.accepts(event, read) in (True, False)
