"""Test runs: what sets them apart, kept in the run's variables under `test`.

{"to": where its mail goes, "contact": fields that stand in for the contact's, "shorten": seconds that a
wait takes at most, "by": whose test it is}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from autoloop.engine.turns import Facts

__all__ = ["facts_of_test", "own_test"]

NOTHING: Mapping[str, Any] = {}


def own_test(is_test: bool, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings of a test run; nothing for a real one."""
    found: Mapping[str, Any] = variables.get("test", NOTHING) if is_test else NOTHING
    return found


def facts_of_test(facts: Facts, test: Mapping[str, Any]) -> Facts:
    """What a test run sees of its contact: invented fields lie over the real ones."""
    given = test.get("contact")
    return replace(facts, contact={**facts.contact, **given}) if given else facts
