"""The registry: finds plugins through entry points, checks each, and lets none break another."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from autoloop.plugins.forms import json_schema, schema_of
from autoloop.plugins.steps import ActionStep, DecisionStep, Step
from autoloop.plugins.triggers import Trigger

__all__ = ["GROUPS", "Plugin", "Registry"]

log = logging.getLogger(__name__)

OWN = "autoloop"
NAME = re.compile(r"[a-z][a-z0-9_]{0,49}\Z")


@dataclass(frozen=True)
class Group:
    """One kind of plugin. `contract` is the class it must derive from, as module:name."""

    kind: str
    entry_points: str
    contract: str

    def base(self) -> type | None:
        module, name = self.contract.split(":")
        try:
            return cast("type", getattr(import_module(module), name))
        except (ImportError, AttributeError):
            return None


GROUPS = (
    Group("step", "autoloop.step_types", "autoloop.plugins.steps:Step"),
    Group("trigger", "autoloop.triggers", "autoloop.plugins.triggers:Trigger"),
    Group("email", "autoloop.email_providers", "autoloop.plugins.email:EmailProvider"),
    Group("auth", "autoloop.auth_methods", "autoloop.plugins.auth:AuthMethod"),
    Group("ai", "autoloop.ai_providers", "autoloop.plugins.ai:AiProvider"),
)


@dataclass(frozen=True)
class Plugin:
    """One entry point and what came of it: `cls` when it works, else `problem` says why not."""

    kind: str
    name: str
    distribution: str
    version: str
    cls: Any = None
    problem: str | None = None
    disabled: bool = False

    @property
    def works(self) -> bool:
        return self.cls is not None and self.problem is None and not self.disabled

    @property
    def label(self) -> str:
        return f"{self.kind} “{self.name}” of {self.distribution} {self.version}".strip()


@dataclass
class Registry:
    """All plugins of the installation. Steps and triggers are instances; other kinds are classes."""

    plugins: list[Plugin] = field(default_factory=list)
    steps: dict[str, Step] = field(default_factory=dict)
    triggers: dict[str, Trigger] = field(default_factory=dict)
    others: dict[tuple[str, str], Any] = field(default_factory=dict)

    @classmethod
    def load(
        cls,
        disabled: Iterable[str] = (),
        find: Callable[[str], Iterable[EntryPoint]] = lambda group: entry_points(group=group),
    ) -> Registry:
        """Every plugin that is installed. A broken one is kept with its problem; nothing is raised.

        `disabled` holds names, or `kind:name` where two kinds share a name.
        """
        registry = cls()
        off = frozenset(disabled)
        for group in GROUPS:
            found = sorted(
                find(group.entry_points), key=lambda each: (_distribution(each)[0] != OWN, each.name)
            )
            for point in found:
                registry._take(group, point, point.name in off or f"{group.kind}:{point.name}" in off)
        return registry

    def _take(self, group: Group, point: EntryPoint, disabled: bool) -> None:
        distribution, version = _distribution(point)
        made = Plugin(group.kind, point.name, distribution, version, disabled=disabled)
        if not disabled:
            try:
                loaded = point.load()
                problem = self._problem(group, point.name, loaded)
            except Exception as error:
                loaded, problem = None, f"cannot be loaded: {type(error).__name__}: {error}"
            made = Plugin(group.kind, point.name, distribution, version, loaded, problem)
        self._keep(made)

    def add(self, kind: str, cls: type, distribution: str = "(this process)") -> None:
        """Add a class without an entry point: for tests and single scripts. Raises ValueError."""
        group = next(each for each in GROUPS if each.kind == kind)
        name = str(getattr(cls, "name", ""))
        problem = self._problem(group, name, cls)
        if problem:
            raise ValueError(f"{kind} “{name}” {problem}")
        self._keep(Plugin(kind, name, distribution, "", cls))

    def _keep(self, plugin: Plugin) -> None:
        self.plugins.append(plugin)
        if not plugin.works:
            return
        if plugin.kind == "step":
            self.steps[plugin.name] = plugin.cls()
        elif plugin.kind == "trigger":
            self.triggers[plugin.name] = plugin.cls()
        else:
            self.others[plugin.kind, plugin.name] = plugin.cls

    def _problem(self, group: Group, name: str, cls: Any) -> str | None:
        """What is wrong with the class, as the end of a sentence; None if nothing is."""
        base = group.base()
        if not isinstance(cls, type):
            return "is not a class"
        if base is not None and not issubclass(cls, base):
            return f"does not derive from {base.__module__}.{base.__name__}"
        if getattr(cls, "name", None) != name:
            return f"is named {getattr(cls, 'name', None)!r} in the class but {name!r} in its entry point"
        if not NAME.match(name):
            return "has a name that is not snake_case of at most 50 characters"
        taken = next(
            (each for each in self.plugins if each.kind == group.kind and each.name == name and each.works),
            None,
        )
        if taken is not None:
            return f"has the name of one that {taken.distribution} brings already"
        if not isinstance(getattr(cls, "title", None), str):
            return "has no title"
        if group.kind in ("step", "trigger"):
            return _step_problem(cls)
        return None

    def step(self, name: str) -> Step | None:
        return self.steps.get(name)

    def trigger(self, name: str) -> Trigger | None:
        return self.triggers.get(name)

    def get(self, kind: str, name: str) -> Any:
        """The class of a plugin of any kind, or None."""
        plugin = next((each for each in self.of(kind) if each.name == name), None)
        return plugin.cls if plugin else None

    def of(self, kind: str) -> Iterator[Plugin]:
        """The plugins of one kind that work."""
        return (each for each in self.plugins if each.kind == kind and each.works)

    @property
    def problems(self) -> list[str]:
        """One sentence for each plugin that does not work, with its distribution."""
        return [f"The {each.label} {each.problem}." for each in self.plugins if each.problem]


def _step_problem(cls: type) -> str | None:
    if issubclass(cls, Step) and not issubclass(cls, DecisionStep | ActionStep):
        return "derives from neither DecisionStep nor ActionStep"
    if issubclass(cls, Step) and "run" not in vars(cls) and cls.run in (DecisionStep.run, ActionStep.run):  # type: ignore[attr-defined]
        return "has no run method"
    try:
        made: Any = cls()
        json_schema(schema_of(made))
    except Exception as error:
        return f"has settings or a constructor that fail: {type(error).__name__}: {error}"
    if not isinstance(made.config_version, int) or made.config_version < 1:
        return "has a config_version that is not a whole number from 1 up"
    return None


def _distribution(point: EntryPoint) -> tuple[str, str]:
    dist = point.dist
    return (dist.name, dist.version) if dist is not None else ("an unknown distribution", "")


def includeme(config: Any) -> None:
    """Load every plugin of the installation once, when the application is made."""
    disabled = config.registry.runtime.settings.plugins_disabled
    registry = config.registry.registrations.plugins = Registry.load(disabled)
    for problem in registry.problems:
        log.error("%s", problem)
