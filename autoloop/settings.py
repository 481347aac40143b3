"""All settings: one frozen object, from the environment over the INI file over defaults."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Settings", "SettingsError", "load"]

PREFIX = "autoloop."
ENVIRONMENT = "AUTOLOOP_"
WEAK = ("change", "example", "secret", "password", "default", "xxxx", "1234", "todo")
STAGES = ("development", "staging", "production")

MAY_BE_NONE = frozenset({"trusted_proxies", "database_pool_overflow", "journal_months"})

# Read by other parts of the program, never settings of the application.
OTHER_ENVIRONMENT = frozenset({"AUTOLOOP_CONFIG", "AUTOLOOP_DATA", "AUTOLOOP_DEMO_EXIT"})


class SettingsError(Exception):
    """A setting is missing, unknown, or cannot be used; the message names the key and the file."""


def _setting(help: str, default: Any = MISSING, *, secret: bool = False) -> Any:
    metadata = {"help": help, "secret": secret}
    return field(metadata=metadata) if default is MISSING else field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What an operator decides. In an INI file each key is `autoloop.<name>`,
    in the environment `AUTOLOOP_<NAME>`."""

    stage: str = _setting("development, staging or production", "production")
    public_url: str = _setting("The address people reach this installation at, without a trailing slash")
    database_url: str = _setting("PostgreSQL as the role autoloop_web: postgresql+psycopg://…", secret=True)
    database_worker_url: str = _setting("PostgreSQL as the role autoloop_worker", secret=True)
    database_owner_url: str = _setting(
        "PostgreSQL as autoloop_owner; `autoloop migrate` alone reads it", "", secret=True
    )
    database_pool_size: int = _setting("Connections kept open by each process", 5)
    database_pool_overflow: int = _setting("More connections a process may open under load", 10)
    slow_query_ms: int = _setting("Statements slower than this are logged as warnings", 500)
    slow_request_ms: int = _setting("Requests slower than this are logged as warnings", 1000)
    redis_url: str = _setting(
        "Cache, rate limits and, unless broker_url is set, the Celery broker", secret=True
    )
    broker_url: str = _setting("Celery broker, if it is not redis_url", "", secret=True)
    secret_keys: tuple[str, ...] = _setting(
        "Space-separated keys of at least 32 characters, newest first: signatures and secrets at rest",
        secret=True,
    )
    cookie_secure: bool = _setting(
        "Cookies with Secure and __Host-; off only over plain http on loopback", True
    )
    dns_servers: tuple[str, ...] = _setting(
        "Space-separated name servers (address or address#port) for checking sending domains; "
        "empty for the system's",
        (),
    )
    trusted_proxies: int = _setting("How many proxies in front of the application set X-Forwarded-For", 0)
    log_format: str = _setting("json or text", "json")
    log_level: str = _setting("DEBUG, INFO, WARNING or ERROR", "INFO")
    sentry_dsn: str = _setting("Where errors are reported; empty for nowhere", "", secret=True)
    plugins_disabled: tuple[str, ...] = _setting("Space-separated names of plugins that are not loaded", ())
    session_days: int = _setting("Days after which an unused session ends", 30)
    sign_up: bool = _setting("May strangers create an account?", False)
    system_mail: str = _setting(
        "Where mail of the installation itself (notices, invitations) leaves: smtp://user:password@host:587, or "
        "smtps:// for TLS from the start; empty keeps it inside",
        "",
        secret=True,
    )
    system_mail_from: str = _setting("Who sends it: AutoLoop <no-reply@example.com>", "")
    cache_businesses_seconds: int = _setting("How long lists of businesses and contacts are kept", 600)
    cache_workflows_seconds: int = _setting("How long workflows are kept", 300)
    cache_templates_seconds: int = _setting("How long templates are kept", 900)
    request_limit_per_minute: int = _setting("Requests a minute for one address", 6000)
    sign_in_limit_per_minute: int = _setting("Sign-in attempts a minute for one address", 20)
    request_body_mb: int = _setting("Largest body of a JSON request, in MB", 10)
    attachments_most: int = _setting("Files that a template may send along", 10)
    attachments_mb: int = _setting("All files of a template together, in MB", 10)
    import_file_mb: int = _setting("Largest file of an import, in MB", 200)
    outbound_allow: tuple[str, ...] = _setting(
        "Space-separated networks, addresses and host names that steps may call although they are not public",
        (),
    )
    outbound_ports: tuple[str, ...] = _setting(
        "Space-separated ports that steps may call; empty for all but those of mail, databases and the like",
        (),
    )
    worker_batch: int = _setting("Rows a worker claims at once", 100)
    worker_processes: int = _setting("Worker processes", 2)
    worker_threads: int = _setting("Threads of one worker for steps that talk to other systems", 8)
    journal_months: int = _setting(
        "Whole months that journals of runs, attempts at mails and events are kept beside the current one; 0 for ever",
        13,
    )
    web_workers: int = _setting("Web processes", 2)

    def __post_init__(self) -> None:
        _check(self)


def load(
    ini: Mapping[str, str], environment: Mapping[str, str] | None = None, *, source: str = "the INI file"
) -> Settings:
    """Settings from an INI section and the environment. Raises SettingsError."""
    environment = os.environ if environment is None else environment
    known = {each.name: each for each in fields(Settings)}
    given: dict[str, Any] = {}
    for key, value in ini.items():
        if key.startswith(PREFIX):
            name = key.removeprefix(PREFIX)
            if name not in known:
                raise SettingsError(
                    f"{source} has the key “{key}”, which AutoLoop does not know.{_near(name, known)}"
                )
            given[name] = _convert(known[name], value, f"“{key}” in {source}")
    for key, value in environment.items():
        if (
            key.startswith(ENVIRONMENT)
            and key not in OTHER_ENVIRONMENT
            and not key.startswith("AUTOLOOP_TEST_")
        ):
            name = key.removeprefix(ENVIRONMENT).lower()
            if name not in known:
                raise SettingsError(
                    f"The environment has {key}, which AutoLoop does not know.{_near(name, known)}"
                )
            given[name] = _convert(known[name], value, f"{key} in the environment")
    missing = [name for name, each in known.items() if each.default is MISSING and not given.get(name)]
    if missing:
        keys = ", ".join(f"{PREFIX}{name}" for name in missing)
        raise SettingsError(
            f"{source} lacks {keys}. Set it there, or as {ENVIRONMENT}{missing[0].upper()} in the environment."
        )
    return Settings(**given)


def _near(name: str, known: Mapping[str, Any]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1)
    return f" Did you mean “{PREFIX}{near[0]}”?" if near else ""


def _convert(each: Field[Any], value: str, where: str) -> Any:
    value = value.strip()
    if each.type == "int":
        try:
            return int(value)
        except ValueError:
            raise SettingsError(f"{where} must be a whole number, not “{value}”.") from None
    if each.type == "bool":
        known = {
            "true": True,
            "yes": True,
            "on": True,
            "1": True,
            "false": False,
            "no": False,
            "off": False,
            "0": False,
        }
        if value.lower() not in known:
            raise SettingsError(f"{where} must be true or false, not “{value}”.")
        return known[value.lower()]
    if str(each.type).startswith("tuple"):
        return tuple(value.split())
    return value


def _check(settings: Settings) -> None:
    def refuse(name: str, why: str) -> None:
        raise SettingsError(f"The setting {PREFIX}{name} ({ENVIRONMENT}{name.upper()}) {why}")

    if settings.stage not in STAGES:
        refuse("stage", f"must be one of {', '.join(STAGES)}.")
    if settings.log_format not in ("json", "text"):
        refuse("log_format", "must be json or text.")
    if not settings.public_url.startswith(("http://", "https://")) or settings.public_url.endswith("/"):
        refuse("public_url", "must be like https://mail.example.com, without a slash at the end.")
    for name in ("database_url", "database_worker_url", "database_owner_url"):
        value = getattr(settings, name)
        if value and not value.startswith("postgresql+psycopg://"):
            refuse(name, "must start with postgresql+psycopg://")
    for key in settings.secret_keys:
        if len(key) < 32 or len(set(key)) < 10 or any(weak in key.lower() for weak in WEAK):
            refuse(
                "secret_keys",
                "holds a weak or example key. Make one with: python -c 'import secrets; print(secrets.token_hex(32))'",
            )
    if (
        settings.stage != "development"
        and not settings.cookie_secure
        and not settings.public_url.startswith("http://127.")
    ):
        refuse("cookie_secure", "may be false only in development or on loopback.")
    _check_outbound(settings, refuse)
    _check_system_mail(settings, refuse)
    for each in fields(settings):
        value = getattr(settings, each.name)
        least = 0 if each.name in MAY_BE_NONE else 1
        if each.type == "int" and value < least:
            refuse(each.name, f"must be at least {least}.")


def _check_outbound(settings: Settings, refuse: Callable[[str, str], None]) -> None:
    for port in settings.outbound_ports:
        if not port.isdecimal() or not 0 < int(port) < 65_536:
            refuse("outbound_ports", f"holds “{port}”, which is no port.")
    if settings.outbound_allow:
        from autoloop.base.http import Allowed

        try:
            Allowed.read(settings.outbound_allow)
        except ValueError as error:
            refuse("outbound_allow", f"cannot be used: {error}.")


def _check_system_mail(settings: Settings, refuse: Callable[[str, str], None]) -> None:
    try:
        url = urlsplit(settings.system_mail)
        fits = url.scheme in ("smtp", "smtps") and bool(url.hostname) and url.port != 0
    except ValueError:
        fits = False
    if settings.system_mail and not fits:
        refuse("system_mail", "must be like smtp://user:password@mail.example.com:587")
    if settings.system_mail_from and "@" not in parseaddr(settings.system_mail_from)[1]:
        refuse("system_mail_from", "must be like AutoLoop <no-reply@example.com>")
