"""The front hall: the tree, the two doors, who may pass, and what every answer carries."""

from __future__ import annotations

from pyramid.config import Configurator

from autoloop.web.tree import Collection, Node, Row, api_path, api_url
from autoloop.web.views import Page, api_view, page

__all__ = ["Collection", "Node", "Page", "Row", "api_path", "api_url", "api_view", "page"]


def includeme(config: Configurator) -> None:
    config.include("pyramid_retry")
    config.include("pyramid_tm")
    config.include("autoloop.web.transactions")
    config.include("autoloop.web.places")
    config.include("autoloop.web.policy")
    config.include("autoloop.web.csrf")
    config.include("autoloop.web.flash")
    config.include("autoloop.web.tree")
    config.include("autoloop.web.input")
    config.include("autoloop.web.doors")
    config.include("autoloop.web.problems")
    config.include("autoloop.web.traffic")
    config.include("autoloop.web.headers")
    config.include("autoloop.web.layout")
    config.include("autoloop.web.widgets")
    config.include("autoloop.web.caching")
    config.include("autoloop.web.openapi")
    config.include("autoloop.web.vitals")
