"""Test runs: what sets them apart, kept in the run's variables under `test`.

{"to": where its mail goes, "contact": fields that stand in for the contact's, "business": those that stand in
for the business's, "invented": whether they are all there is, "shorten": seconds that a wait takes at most,
"by": whose test it is, "done": what its steps would have changed}

Nobody is changed by a test; but its later turns see what its earlier ones would have changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from autoloop.engine.interpreter.effects import overlaid
from autoloop.engine.turns import Facts, Turn
from autoloop.plugins.effects import AddTag, RemoveTag, UpdateBusiness, UpdateContact

__all__ = ["after_child", "after_test", "facts_of_test", "own_fields", "own_test"]

NOTHING: Mapping[str, Any] = {}


def own_test(is_test: bool, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings of a test run; nothing for a real one."""
    found: Mapping[str, Any] = variables.get("test", NOTHING) if is_test else NOTHING
    return found


def facts_of_test(facts: Facts, test: Mapping[str, Any]) -> Facts:
    """What a test run sees of its contact: invented fields lie over the real ones."""
    given, of_business, done = test.get("contact"), test.get("business"), test.get("done")
    if not given and not of_business and not done:
        return facts
    contact = {**facts.contact, **(given or {})}
    facts = replace(facts, business={**facts.business, **(of_business or {})})
    if not done:
        return replace(facts, contact=contact)
    contact = overlaid(contact, done["contact"])
    if "tags" in contact:
        left = [tag for tag in contact["tags"] if tag not in done["removed"] + done["added"]]
        contact["tags"] = [*left, *done["added"]]
    return replace(facts, contact=contact, business=overlaid(facts.business, done["business"]))


def own_fields(test: Mapping[str, Any]) -> dict[str, Any]:
    """The contact's own fields that a test's mail is filled with in place of the real ones."""
    done: Mapping[str, Any] = (test.get("done") or {}).get("contact", NOTHING)
    return {**(test.get("contact") or {}), **{name: value for name, value in done.items() if "." not in name}}


def after_test(turn: Turn, variables: Mapping[str, Any]) -> Turn:
    """The turn of a test run, with what its effects would have changed kept in the run's variables."""
    known = turn.variables if turn.variables is not None else variables
    test = known.get("test")
    if not test or not turn.effects:
        return turn
    done = test.get("done") or {"contact": {}, "business": {}, "added": [], "removed": []}
    contact, business = dict(done["contact"]), dict(done["business"])
    added, removed = list(done["added"]), list(done["removed"])
    for effect in turn.effects:
        if isinstance(effect, UpdateContact):
            contact.update(effect.set)
        elif isinstance(effect, UpdateBusiness):
            business.update(effect.set)
        elif isinstance(effect, AddTag | RemoveTag):
            here, there = (added, removed) if isinstance(effect, AddTag) else (removed, added)
            here[:] = [*(tag for tag in here if tag != effect.tag), effect.tag]
            there[:] = [tag for tag in there if tag != effect.tag]
    seen = {"contact": contact, "business": business, "added": added, "removed": removed}
    return turn._replace(variables={**known, "test": {**test, "done": seen}})


def after_child(test: Mapping[str, Any], done: Mapping[str, Any]) -> dict[str, Any]:
    """A test run's settings once a run that it started has ended: what that would have changed came last."""
    mine = test.get("done") or NOTHING
    fields = {name: {**mine.get(name, NOTHING), **done[name]} for name in ("contact", "business")}
    touched = {*done["added"], *done["removed"]}
    tags = {
        name: [*(tag for tag in mine.get(name, ()) if tag not in touched), *done[name]]
        for name in ("added", "removed")
    }
    return {**test, "done": fields | tags}
