"""Every word of the canvas: its script has none of its own. `{name}` is filled in by the script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autoloop.base.i18n import _

__all__ = ["spoken"]

WORDS = {
    "add": _("Add a step"),
    "add_after": _("Add a step after {step}, by {port}"),
    "add_between": _("Put a step between {from} and {to}"),
    "add_at_start": _("It becomes the first step."),
    "add_behind": _("After {step}, by {port}"),
    "add_loose": _("It stands alone until something leads to it."),
    "add_first": _("Add the first step"),
    "canvas_tools": _("What one does to the draft"),
    "close": _("Close"),
    "conflict": _("Somebody else changed this draft while you did."),
    "conflict_hint": _("Whichever you choose, Undo brings the other one back."),
    "load_theirs": _("Load theirs"),
    "keep_mine": _("Keep mine"),
    "discard": _("Close without saving what you changed in this form?"),
    "empty_title": _("Begin with a step"),
    "empty_text": _(
        "Steps wait, ask, send and tag, one after the other. Most workflows begin with an email or a wait."
    ),
    "empty_read": _("There is no step yet"),
    "fit": _("Show everything"),
    "here": _("{count} here"),
    "left": _("{count} went this way"),
    "loading": _("Fetching the settings"),
    "form_failed": _("The settings could not be fetched."),
    "form_unsaved": _("Not saved: no connection. Save again once there is one."),
    "minimap": _("Overview of the canvas"),
    "more_problems": _("{count} to fix"),
    "more_warnings": _("{count} to look at"),
    "moved": _("{step} moved to {x}, {y}"),
    "nothing_called": _("No step is called that"),
    "nothing_called_hint": _("Try a shorter word."),
    "offline": _("Not saved: no connection. Trying again."),
    "open": _("Settings of {step}"),
    "palette_search": _("Search steps"),
    "pasted": _("Pasted: {count}"),
    "copied": _("Copied: {count}"),
    "problems": _("What to fix"),
    "publish": _("Publish"),
    "read_only": _("You may look, not change"),
    "ready": _("Ready to publish"),
    "published": _("Published"),
    "redo": _("Redo"),
    "refused": _("Not saved"),
    "rules": _("Rules of the workflow"),
    "saved": _("Saved"),
    "saving": _("Saving…"),
    "shelf_triggers": _("What starts it"),
    "starts": _("Starts it"),
    "step_keys": _("Enter opens the settings, arrows move the step, Delete takes it out."),
    "way_keys": _("Delete takes the way out."),
    "tidy": _("Tidy up"),
    "try_again": _("Try again"),
    "undo": _("Undo"),
    "way": _("From {from} by {port} to {to}"),
    "whole_page": _("As a page of its own"),
    "zoom": _("Zoom"),
    "zoom_in": _("Zoom in"),
    "zoom_out": _("Zoom out"),
}


def spoken(translate: Callable[[Any], str]) -> dict[str, str]:
    """The words in the person's language."""
    return {name: translate(text) for name, text in WORDS.items()}
