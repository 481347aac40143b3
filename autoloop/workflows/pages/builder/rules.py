"""Page: the workflow's own rules: who may enter again, who leaves, when mail goes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.base.errors import Invalid, PreconditionFailed
from autoloop.base.i18n import _
from autoloop.engine.graph import parse
from autoloop.engine.graph.parsed import EXIT_RULES
from autoloop.web import page
from autoloop.web.permissions import Permission
from autoloop.web.refusals import Told, refuse
from autoloop.web.widgets import Form
from autoloop.web.widgets.trees import tree_of
from autoloop.workflows import services
from autoloop.workflows.pages.builder.rooms import mark_of, room_of
from autoloop.workflows.pages.workflows import REFUSALS, TEMPLATES
from autoloop.workflows.resources import Draft

RULES = TEMPLATES + "rules.jinja2"
REENTRY = {
    "once": _("Never: each contact goes through once"),
    "not_active": _("Again, when it is not in it at the time"),
    "after_days": _("Again, after some days"),
    "always": _("Always, also twice at a time"),
}
EXITS = {
    "unsubscribed": _("It unsubscribes"),
    "replied": _("It replies"),
    "bounced": _("Its mail bounces"),
    "colleague_replied": _("Somebody else of its business replies"),
}
UNKNOWN = {
    "hold": _("Wait for a person to say"),
    "skip": _("Go on as if it was not sent"),
    "resend": _("Send it again"),
}
TEXT = {"type": "string"}
ENTERING: dict[str, Any] = {
    "reentry": {
        "enum": list(REENTRY),
        "default": "once",
        "title": _("May a contact enter again?"),
        "x-ui": {"labels": REENTRY},
    },
    "after_days": {
        "type": "integer",
        "title": _("After how many days"),
        "x-ui": {"unit": "days", "when": {"reentry": "after_days"}},
    },
}
LEAVING: dict[str, Any] = {
    "exits": {
        "type": "array",
        "items": {"enum": list(EXIT_RULES)},
        "title": _("A contact leaves at once, wherever it stands, if"),
        "x-ui": {"labels": EXITS},
    },
    "left_segments": {
        "type": "array",
        "items": {**TEXT, "title": _("Segment"), "x-ui": {"widget": "segment"}},
        "title": _("Also if it leaves one of these segments"),
    },
    "events": {
        "type": "array",
        "title": _("Also if one of these happens"),
        "items": {
            "type": "object",
            "properties": {
                "event": {**TEXT, "title": _("Event"), "x-ui": {"widget": "event"}},
                "match": {
                    "type": "object",
                    "title": _("Its data contains"),
                    "x-ui": {"widget": "json"},
                },
            },
            "required": ["event"],
        },
    },
}
MAILING: dict[str, Any] = {
    "window": {
        "type": "object",
        "title": _("Mail goes out only"),
        "properties": {
            "days": {
                "type": "array",
                "items": {},
                "title": _("On these days"),
                "x-ui": {"widget": "weekdays"},
            },
            "from": {**TEXT, "title": _("From"), "x-ui": {"widget": "clock"}},
            "until": {**TEXT, "title": _("Until"), "x-ui": {"widget": "clock"}},
            "timezone": {
                **TEXT,
                "default": "contact",
                "title": _("By the clocks of"),
                "x-ui": {
                    "widget": "timezone",
                    "places": {"contact": _("The contact"), "workspace": _("The workspace")},
                },
            },
        },
    },
    "on_unknown": {
        "enum": list(UNKNOWN),
        "default": "hold",
        "title": _("If it stays unknown whether a mail went out"),
        "x-ui": {"labels": UNKNOWN},
    },
}


def schema(nodes: list[str]) -> dict[str, Any]:
    """The form of the rules; which step is first is asked only where there are several."""
    start = {
        "enum": nodes,
        "title": _("Runs begin at"),
        "description": _("Needed only if no step, or more than one, has nothing before it."),
    }
    return {"type": "object", "properties": {**ENTERING, **LEAVING, **MAILING, "start": start}}


def to_form(settings: Mapping[str, Any]) -> dict[str, Any]:
    made = {key: settings[key] for key in ("window", "on_unknown", "start") if settings.get(key)}
    reentry = settings.get("reentry")
    if isinstance(reentry, Mapping):
        made |= {"reentry": "after_days", "after_days": reentry.get("after_days")}
    elif reentry:
        made["reentry"] = reentry
    rules = settings.get("exit_rules")
    for rule in rules if isinstance(rules, list) else []:
        if isinstance(rule, str):
            made.setdefault("exits", []).append(rule)
        elif isinstance(rule, Mapping) and "left_segment" in rule:
            made.setdefault("left_segments", []).append(rule["left_segment"])
        elif isinstance(rule, Mapping):
            made.setdefault("events", []).append(dict(rule))
    return made


def from_form(given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as a graph holds them."""
    made = {key: given[key] for key in ("start", "window", "on_unknown") if key in given}
    if given.get("reentry") == "after_days":
        made["reentry"] = {"after_days": given.get("after_days")}
    elif given.get("reentry"):
        made["reentry"] = given["reentry"]
    rules: list[Any] = list(given.get("exits", ()))
    rules += [{"left_segment": each} for each in given.get("left_segments", ()) if each]
    rules += given.get("events", ())
    return made | ({"exit_rules": rules} if rules else {})


def told(settings: Mapping[str, Any], say: Callable[[Any], str]) -> list[tuple[str, str]]:
    """The rules in short, for the builder."""
    reentry, rules = settings.get("reentry", "once"), settings.get("exit_rules")
    again = (
        say(_("After ${n} days", mapping={"n": str(reentry.get("after_days"))}))
        if isinstance(reentry, Mapping)
        else say(REENTRY.get(str(reentry), str(reentry)))
    )
    words = []
    for rule in rules if isinstance(rules, list) else []:
        if isinstance(rule, Mapping):
            words.append(str(rule.get("event") or say(_("It leaves a segment"))))
        else:
            words.append(say(EXITS.get(str(rule), str(rule))))
    window = settings.get("window")
    hours = (
        f"{window.get('from', '00:00')}–{window.get('until', '24:00')}"
        if isinstance(window, Mapping) and window
        else ""
    )
    return [
        (say(_("Enter again")), again),
        (say(_("Leave at once")), "; ".join(words)),
        (say(_("Mail goes out")), hours or say(_("at any hour"))),
    ]


PLACES = {"settings.reentry": "after_days", "settings.exit_rules": "exits"}


@page(context=Draft, name="rules", permission=Permission.EDIT, template=RULES)
def show_rules(context: Draft, request: Request) -> dict[str, Any]:
    form = _form(context, request)
    return _shown(context, request, form.fill(to_form(_settings(context))))


@page(context=Draft, name="rules", method="POST", permission=Permission.EDIT, template=RULES)
def save_rules(context: Draft, request: Request) -> Any:
    drafts, form = request.services(services.Drafts), _form(context, request)
    form.tree = tree_of(request.POST.items(), form.root)
    act = str(request.POST.get("act", "save"))
    if act != "save":
        form.looking = True
        form.act(act)
        return _shown(context, request, form) | {"seen": str(request.POST.get("seen", ""))}
    try:
        row = drafts.of(context.id, lock=True)
        if str(request.POST.get("seen", "")) != mark_of(_settings(context)):
            raise PreconditionFailed(
                _(
                    "Somebody changed the rules meanwhile. What you wrote is below: save again to replace theirs."
                )
            )
        settings = from_form(form.value())
        found = _problems(settings)
        if form.broken or found:
            raise Invalid(details={place: [text] for place, text in {**form.broken, **found}.items()})
        drafts.save(context.id, {**row.graph, "settings": settings})
    except (*REFUSALS, PreconditionFailed) as error:
        return _shown(context, request, form, refuse(request, error))
    return HTTPSeeOther(request.resource_url(context))


def _settings(context: Draft) -> dict[str, Any]:
    held = context.row.graph.get("settings") if isinstance(context.row.graph, Mapping) else None
    return dict(held) if isinstance(held, Mapping) else {}


def _form(context: Draft, request: Request) -> Form:
    nodes = list(parse(context.row.graph)[0].nodes)
    room = room_of(request, context.__parent__, {})  # type: ignore[arg-type]
    return Form(request, schema(nodes), "rules", request.resource_url(context, "rules"), room=room)


def _problems(settings: Mapping[str, Any]) -> dict[str, str]:
    """What the graph's check says of them, by the field of the form."""
    _graph, found = parse({"nodes": [], "edges": [], "settings": dict(settings)})
    return {
        PLACES.get(str(problem.field), str(problem.field).removeprefix("settings.")): problem.message
        for problem in found
    }


def _shown(context: Draft, request: Request, form: Form, error: Told | None = None) -> dict[str, Any]:
    form.problems = _problems(from_form(form.value()))
    return {
        "workflow": request.services(services.Workflows).row(context.id),
        "workflow_url": request.resource_url(context.__parent__),
        "draft_url": request.resource_url(context),
        "form": form,
        "seen": mark_of(_settings(context)),
        "error": error,
    }
