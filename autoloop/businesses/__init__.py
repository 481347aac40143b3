"""Businesses and their contacts, what is known of them, and how they come in and go out."""

from __future__ import annotations

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    """Nothing to hang into the tree yet."""
