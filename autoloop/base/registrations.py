"""The doors upward: what a higher domain tells a lower one at start, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyramid.config import Configurator

    from autoloop.base.due import DueKind
    from autoloop.base.events import EventSink
    from autoloop.base.search import Source

__all__ = ["Registrations"]


@dataclass
class Registrations:
    """Filled by each domain's `includeme`, read-only once the application is made."""

    plugins: Any = None
    children: dict[type, dict[str, type]] = field(default_factory=dict)
    navigation: list[Any] = field(default_factory=list)
    effect_handlers: dict[str, Callable[..., Any]] = field(default_factory=dict)
    event_names: dict[str, str] = field(default_factory=dict)
    event_sink: EventSink | None = None
    identity_finders: list[Callable[..., Any]] = field(default_factory=list)
    fact_loaders: dict[str, Callable[..., Any]] = field(default_factory=dict)
    segment_predicates: dict[str, Callable[..., Any]] = field(default_factory=dict)
    due_kinds: dict[str, DueKind] = field(default_factory=dict)
    timeline_sources: dict[str, Callable[..., Any]] = field(default_factory=dict)
    search_sources: dict[str, Source] = field(default_factory=dict)
    simulators: dict[str, Callable[..., Any]] = field(default_factory=dict)
    explainers: dict[str, Callable[..., Any]] = field(default_factory=dict)
    mergers: dict[str, Callable[..., Any]] = field(default_factory=dict)
    erasers: dict[str, Callable[..., Any]] = field(default_factory=dict)
    exporters: dict[str, Callable[..., Any]] = field(default_factory=dict)
    system_mail: Callable[..., Any] | None = None
    system_mail_leaves: Callable[..., bool] | None = None
    health_checks: dict[str, Callable[..., Any]] = field(default_factory=dict)


def includeme(config: Configurator) -> None:
    registrations = Registrations()
    config.registry.registrations = registrations
    config.add_request_method(lambda request: registrations, "registrations", reify=True)
