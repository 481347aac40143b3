"""Conditions as bound SQL: the same language that runs ask, for sets of contacts."""

from autoloop.businesses.conditions_sql.compiled import SetCondition, compile_set, joined, read_condition
from autoloop.businesses.conditions_sql.history import happenings

__all__ = ["SetCondition", "compile_set", "happenings", "joined", "read_condition"]
