"""Which settings a command works with, and the runtime made of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime
    from autoloop.settings import Settings

__all__ = ["Configuration", "config_option", "find", "loader"]

EMBEDDED = "egg:autoloop#embedded"


def config_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`-c/--config`, for every command that reads settings."""
    return click.option(
        "-c",
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        envvar="AUTOLOOP_CONFIG",
        help="INI file with the settings. Default: $AUTOLOOP_CONFIG, else the stack of `autoloop up`.",
    )(function)


def loader(path: Path) -> Any:
    """What reads the INI file; its path may hold “#” and “?”, which an address may not."""
    from urllib.parse import quote

    import plaster

    found = plaster.get_loader(plaster.PlasterURL("file+ini", path=str(path)), protocols=["wsgi"])
    found.pastedeploy_spec = f"config:{quote(str(path))}"  # it is taken apart as an address once more
    return found


@dataclass
class Configuration:
    """One INI file, read as far as a command needs it."""

    path: Path

    def section(self, name: str) -> dict[str, str]:
        """A section of the INI file, with %(here)s filled in; empty if it is not there. Raises SettingsError."""
        import configparser

        from autoloop.settings import SettingsError

        try:
            return dict(loader(self.path).get_settings(name))
        except (KeyError, configparser.NoSectionError):
            return {}
        except (configparser.Error, UnicodeDecodeError) as error:
            said = " ".join(str(error).split())
            raise SettingsError(f"{self.path} cannot be read as an INI file. {said}") from error

    @cached_property
    def application(self) -> dict[str, str]:
        """The keys of `[app:main]`."""
        return self.section("app:main")

    @property
    def embedded(self) -> bool:
        """True if the INI file leaves databases and keys to the stack of `autoloop up`."""
        return self.application.get("use") == EMBEDDED

    @property
    def data(self) -> Path:
        """The embedded stack's data folder."""
        from autoloop.embedded.places import data_folder

        return data_folder(os.environ.get("AUTOLOOP_DATA") or self.application.get("data"))

    @cached_property
    def settings(self) -> Settings:
        """The settings of this installation. Raises SettingsError."""
        from autoloop.settings import load

        ini = {key: value for key, value in self.application.items() if key != "use"}
        if self.embedded:
            from autoloop.embedded.application import with_connections

            ini = with_connections(ini)
        return load(ini, source=str(self.path))

    def runtime(self) -> Runtime:
        """A new runtime: registrations and engines, nothing connected yet."""
        import autoloop

        runtime: Runtime = autoloop.make_runtime(self.settings)
        return runtime

    @contextmanager
    def database(self) -> Iterator[None]:
        """See that the embedded database runs, for as long as this command or another needs it."""
        if not self.embedded:
            yield
            return
        from autoloop.embedded.postgres import Postgres

        postgres = Postgres(self.data / "postgres")
        if not postgres.running:
            click.echo("The stack is not running; starting its database for this command.", err=True)
        with postgres.shared():
            postgres.prepare()
            yield


def find(chosen: Path | None) -> Configuration:
    """The INI file to use: the chosen one, else that of the stack that runs (or ran) here, else a clone's own."""
    if chosen is not None:
        return Configuration(chosen.absolute())
    from autoloop.embedded.lock import StackLock
    from autoloop.embedded.places import clone, data_folder

    data = data_folder()
    root = clone()
    candidates = [
        StackLock(data).state().get("config"),
        root / "development.ini" if root else None,
        data / "autoloop.ini",
    ]
    for candidate in candidates:
        if candidate and Path(candidate).exists():
            return Configuration(Path(candidate))
    raise click.UsageError(
        "No settings. Name an INI file with --config or AUTOLOOP_CONFIG, or run `autoloop up` first, which makes one."
    )
