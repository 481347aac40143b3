"""AutoLoop: e-mail automation that explains itself."""

from __future__ import annotations

from typing import Any

__all__ = ["main", "make_runtime"]


def main(global_config: dict[str, str] | None = None, **ini: str) -> Any:
    """The WSGI application, made by PasteDeploy from an INI file's `[app:main]` section."""
    from autoloop.base.logging import watch_queries
    from autoloop.config import configure
    from autoloop.settings import load

    source = (global_config or {}).get("__file__", "the INI file")
    settings = load(ini, source=source)
    _prepare(settings)
    config = configure(
        settings, {key: value for key, value in ini.items() if not key.startswith("autoloop.")}
    )
    watch_queries(config.registry.runtime.web_engine, settings.slow_query_ms)
    return config.make_wsgi_app()


def make_runtime(settings: Any) -> Any:
    """The runtime of a worker, a scheduler or a command: all registrations, no web server."""
    from autoloop.base.logging import watch_queries
    from autoloop.config import runtime_of

    _prepare(settings)
    runtime = runtime_of(settings)
    watch_queries(runtime.worker_engine, settings.slow_query_ms)
    return runtime


def _prepare(settings: Any) -> None:
    from autoloop.base.logging import configure

    configure(settings.log_format, settings.log_level)
    if settings.sentry_dsn:
        import sentry_sdk

        sentry_sdk.init(dsn=settings.sentry_dsn, environment=settings.stage, send_default_pii=False)
