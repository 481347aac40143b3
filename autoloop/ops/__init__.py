"""Operations: is it alive, is it ready, what does it do."""

from __future__ import annotations

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    config.include("autoloop.ops.health")
    config.include("autoloop.ops.overview")
