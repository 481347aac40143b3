"""Opens and clicks of AutoLoop's own mail: signed links and a picture in it, and what is counted of them."""

from __future__ import annotations

from pyramid.config import Configurator

__all__: list[str] = []


def includeme(config: Configurator) -> None:
    for views in ("public", "views", "pages"):
        config.scan(f"autoloop.mail.tracking.{views}")
