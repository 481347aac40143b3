"""Conditions in forms: groups in groups of questions, for segments, branches, filters and triggers alike."""

from autoloop.businesses.questions.widget import ConditionWidget
from autoloop.businesses.questions.words import sentences

__all__ = ["ConditionWidget", "sentences"]
