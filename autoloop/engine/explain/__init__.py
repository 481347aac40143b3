"""Explaining: why a run or a contact is where it is, in sentences and as data."""

from autoloop.engine.explain.contacts import ContactStory
from autoloop.engine.explain.runs import RunStory
from autoloop.engine.explain.telling import translated

__all__ = ["ContactStory", "RunStory", "translated"]
