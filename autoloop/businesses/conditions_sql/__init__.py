"""Conditions as bound SQL: the same language that runs ask, for sets of contacts."""
