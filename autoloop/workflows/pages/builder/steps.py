"""Pages: one step with its form and its ways on; and the list of step types to put one in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import orjson
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.base.errors import Invalid, NotFound, PreconditionFailed
from autoloop.base.i18n import _
from autoloop.engine.graph import Problem, parse
from autoloop.plugins.forms import json_schema, schema_of
from autoloop.web import page
from autoloop.web.permissions import Permission
from autoloop.web.refusals import Told, refuse
from autoloop.web.widgets import Form
from autoloop.web.widgets.trees import keys_of, tree_of
from autoloop.workflows import services
from autoloop.workflows.catalogue import step_types
from autoloop.workflows.checking import examine_draft
from autoloop.workflows.editing import node_of, put_in, set_node, tied
from autoloop.workflows.pages.builder.overview import problems_of
from autoloop.workflows.pages.builder.rooms import mark_of, ports_of, room_of
from autoloop.workflows.pages.workflows import REFUSALS, TEMPLATES
from autoloop.workflows.picture.boxes import FAMILIES, family_of
from autoloop.workflows.resources import Draft

STEP, ADD = TEMPLATES + "step.jinja2", TEMPLATES + "add.jinja2"
MOST_TARGETS = 20
SHELVES = {
    "message": _("Messages"),
    "timing": _("Waiting"),
    "logic": _("Deciding"),
    "data": _("Changing what is known"),
    "outside": _("Other systems and people"),
    "plugin": _("From plugins"),
}
NOTHING: Mapping[str, Any] = {"type": "object", "properties": {}}


@page(context=Draft, name="step", permission=Permission.EDIT, template=STEP)
def show_step(context: Draft, request: Request) -> dict[str, Any]:
    node = _node(context, request, str(request.GET.get("id", "")))
    return Desk(context, request, node).shown()


@page(context=Draft, name="step", method="POST", permission=Permission.EDIT, template=STEP)
def save_step(context: Draft, request: Request) -> Any:
    """Save it, or show how the form looks as it is filled in now."""
    request.services(services.Drafts).of(context.id, lock=True)
    desk = Desk(context, request, _node(context, request, str(request.POST.get("id", ""))))
    desk.read()
    act = str(request.POST.get("act", "save"))
    if act != "save" and not act.startswith("then:"):
        desk.form.looking = True
        desk.form.act(act)
        return desk.shown() | {"seen": str(request.POST.get("seen", ""))}
    try:
        desk.save(str(request.POST.get("seen", "")))
    except (*REFUSALS, PreconditionFailed) as error:
        return desk.shown(refuse(request, error))
    here = request.resource_url(context)
    if act.startswith("then:"):
        return HTTPSeeOther(request.resource_url(context, "add", query={"after": desk.id, "port": act[5:]}))
    if desk.problems():
        return HTTPSeeOther(request.resource_url(context, "step", query={"id": desk.id}))
    return HTTPSeeOther(f"{here}#step-{desk.id}")


class Desk:
    """A step while it is worked on."""

    def __init__(self, context: Draft, request: Request, node: dict[str, Any]) -> None:
        self.context, self.request, self.node = context, request, node
        self.id: str = node["id"]
        self.draft = context.row
        self.step = request.registrations.plugins.step(str(node.get("type")))
        schema = json_schema(schema_of(self.step)) if self.step else NOTHING
        room = room_of(request, context.__parent__, self.draft.graph)  # type: ignore[arg-type]
        self.form = Form(request, schema, action=request.resource_url(context, "step"), room=room)
        self.form.fill(self._config())
        self.note = str(node.get("note") or "")
        self.ways: dict[str, list[str]] = {}
        for edge in parse(self.draft.graph)[0].edges:
            if edge.source == self.id:
                self.ways.setdefault(edge.port, []).append(edge.target)
        self.fresh = "config_version" not in node and not node.get("config")

    def _config(self) -> dict[str, Any]:
        """Its settings as today's form has them."""
        held, version = self.node.get("config"), self.node.get("config_version")
        config = dict(held) if isinstance(held, Mapping) else {}
        if self.step is not None and isinstance(version, int) and version < self.step.config_version:
            try:
                return dict(self.step.upgrade(config, version))
            except Exception:  # what a plugin cannot bring up to date is shown as it is
                return config
        return config

    @property
    def seen(self) -> str:
        """What the step and its ways looked like when the form was drawn."""
        edges = sorted((port, sorted(targets)) for port, targets in self.ways_kept.items())
        return mark_of([self.node, edges])

    @property
    def ways_kept(self) -> dict[str, list[str]]:
        kept: dict[str, list[str]] = {}
        for edge in parse(self.draft.graph)[0].edges:
            if edge.source == self.id:
                kept.setdefault(edge.port, []).append(edge.target)
        return kept

    def read(self) -> None:
        """Take what was posted in place of what is saved."""
        items = list(self.request.POST.items())
        if self.step is not None:
            self.form.tree = tree_of(items, self.form.root)
        self.note = str(self.request.POST.get("note", "")).strip().replace("\x00", "")
        ways = tree_of(items, "way")
        known = {node.id for node in parse(self.draft.graph)[0].nodes.values()}
        for port, rows in ways.items():
            targets = [rows[key] for key in keys_of(rows)[:MOST_TARGETS] if rows[key] in known]
            self.ways[port] = list(dict.fromkeys(targets))

    @property
    def config(self) -> dict[str, Any]:
        return self.form.value() if self.step is not None else self._config()

    @property
    def version(self) -> int:
        held = self.node.get("config_version")
        return self.step.config_version if self.step is not None else held if isinstance(held, int) else 1

    def graph(self) -> dict[str, Any]:
        """The draft's graph with the step as the form has it."""
        made = set_node(self.draft.graph, self.id, self.config, self.version, self.note)
        return tied(made, self.id, self.ways)

    def save(self, seen: str) -> None:
        """Raises Invalid for what cannot be held, PreconditionFailed if the step is another by now."""
        graph = self.graph()
        if self.form.broken:
            raise Invalid(details={name: [text] for name, text in self.form.broken.items()})
        if seen != self.seen:
            raise PreconditionFailed(
                _(
                    "Somebody changed this step meanwhile. What you wrote is below: save again to replace theirs."
                )
            )
        request = self.request
        request.services(services.Drafts).save(self.context.id, graph)
        self.draft = request.services(services.Drafts).of(self.context.id)

    @cached_property
    def found(self) -> list[Problem]:
        """What the check says of the step as the form has it."""
        found = examine_draft(self.request.services, self.graph(), self.draft.triggers)
        return [problem for problem in found if problem.node == self.id]

    def problems(self) -> Mapping[str, str]:
        return problems_of(self.found, self.id, "config.")

    def shown(self, error: Told | None = None) -> dict[str, Any]:
        request, plugins = self.request, self.request.registrations.plugins
        if self.fresh and not self.form.looking and error is None:
            self.form.looking = True
        self.form.problems = {} if self.step is None else self.problems()
        ports = ports_of(self.step, self.config, None if self.step is None else self.step.config_version)
        parsed = parse(self.draft.graph)[0]
        plugin = next((each for each in plugins.of("step") if each.name == self.node.get("type")), None)
        family = family_of(plugin, self.step) if plugin and self.step else "plugin"
        return {
            "workflow": request.services(services.Workflows).row(self.context.id),
            "workflow_url": request.resource_url(self.context.__parent__),
            "draft_url": request.resource_url(self.context),
            "id": self.id,
            "step": self.step,
            "kind": str(self.node.get("type")),
            "colour": FAMILIES[family].removeprefix("--"),
            "form": self.form,
            "note": self.note,
            "ports": [
                (port, self.ways.get(port, []), port in ports or port == "error")
                for port in dict.fromkeys((*ports, *self.ways))
            ],
            "may_error": "error" not in self.ways,
            "targets": [(node.id, _title(plugins, node.type)) for node in parsed.nodes.values()],
            "seen": self.seen,
            "warnings": [problem for problem in self.found if problem.severity == "warning"],
            "written": orjson.dumps(self._config(), option=orjson.OPT_INDENT_2).decode(),
            "error": error,
        }


def _title(plugins: Any, type: str) -> str:
    step = plugins.step(type)
    return step.title if step is not None else type


def _node(context: Draft, request: Request, id: str) -> dict[str, Any]:
    node = node_of(context.row.graph, id)
    if node is None:
        raise NotFound
    return node


@page(context=Draft, name="add", permission=Permission.EDIT, template=ADD)
def choose(context: Draft, request: Request, error: Told | None = None) -> dict[str, Any]:
    """Step types to put in behind a port, or at the beginning."""
    given = request.POST if request.method == "POST" else request.GET
    q = str(given.get("q", "")).strip().casefold()[:100]
    shelves: dict[str, list[dict[str, Any]]] = {name: [] for name in SHELVES}
    for each in sorted(step_types(request.registrations.plugins), key=lambda one: str(one["title"])):
        if q in f"{each['title']} {each['hint']} {each['name']}".casefold():
            category = "plugin" if each["family"] == "plugin" else str(each["category"])
            shelves.setdefault({"messages": "message"}.get(category, category), []).append(each)
    after = str(given.get("after", ""))
    return {
        "workflow": request.services(services.Workflows).row(context.id),
        "workflow_url": request.resource_url(context.__parent__),
        "draft_url": request.resource_url(context),
        "q": q,
        "after": after if node_of(context.row.graph, after) else "",
        "port": str(given.get("port", "next"))[:64],
        "shelves": [(SHELVES.get(name, name), each) for name, each in shelves.items() if each],
        "error": error,
    }


@page(context=Draft, name="add", method="POST", permission=Permission.EDIT, template=ADD)
def add(context: Draft, request: Request) -> Any:
    """Put a step in, and go to its form."""
    drafts, post = request.services(services.Drafts), request.POST
    step = request.registrations.plugins.step(str(post.get("type", "")))
    try:
        if step is None:
            raise Invalid(details={"type": [_("There is no such step here.")]})
        row = drafts.of(context.id, lock=True)
        after, port = str(post.get("after", "")), str(post.get("port", "next"))[:64]
        graph, id = put_in(row.graph, step.name, after, port, (ports_of(step, {}) or ("next",))[0])
        drafts.save(context.id, graph)
    except REFUSALS as error:
        return choose(context, request, refuse(request, error))
    return HTTPSeeOther(request.resource_url(context, "step", query={"id": id}))
