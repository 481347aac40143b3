"""Pages: try a workflow on a contact, see the way it goes, pick other outcomes and try again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pyramid.request import Request
from pyramid.response import Response

from autoloop.base.errors import Invalid, NotFound
from autoloop.base.i18n import _
from autoloop.engine.explain.telling import reasons, translated
from autoloop.engine.simulate.scenario import CHILD_ENDS, FATES, REACTIONS
from autoloop.web import page
from autoloop.web.permissions import Permission
from autoloop.web.refusals import Told, refuse
from autoloop.workflows import services
from autoloop.workflows.pages.trying import SIMPLE, asked_by, newest_contacts, read_form, sample_text
from autoloop.workflows.pages.workflows import TEMPLATES
from autoloop.workflows.resources import Workflow
from autoloop.workflows.services.simulating import Simulating
from autoloop.workflows.views.simulate import told

TRY = TEMPLATES + "simulate.jinja2"
TONES = {"next": "ok", "waiting": "warn", "failed": "bad", "stopped": "warn"}
ENDS = {"completed": "ok", "stopped": "warn", "failed": "bad", "waiting": "warn", "unfinished": "warn"}
LENGTHS = (
    (86_400, _("${n} days"), _("1 day")),
    (3_600, _("${n} hours"), _("1 hour")),
    (60, _("${n} minutes"), _("1 minute")),
)


@page(context=Workflow, name="simulate", permission=Permission.SIMULATE, template=TRY)
def ask(context: Workflow, request: Request) -> dict[str, Any]:
    form: dict[str, Any] = {name: str(request.GET.get(name, ""))[:320] for name in SIMPLE}
    form["outcomes"] = {}
    return shown(context, request, form)


@page(context=Workflow, name="simulate", method="POST", permission=Permission.SIMULATE, template=TRY)
def answer(context: Workflow, request: Request) -> dict[str, Any]:
    """The same form, with the way that the contact would go."""
    form = read_form(request)
    try:
        found = tried(context, request, form)
    except Invalid as error:
        return shown(context, request, form, error=refuse(request, error))
    return shown(context, request, form, found)


@page(context=Workflow, name="simulate-mail", method="POST", permission=Permission.SIMULATE)
def mail(context: Workflow, request: Request) -> Response:
    """One email of the way, alone, for its frame: worked out again from the same form."""
    try:
        found = tried(context, request, read_form(request))
    except Invalid as error:
        return _framed(request, request.localizer.translate(error.message), 422)
    wanted = str(request.POST.get("show", ""))
    made = next((step["mail"] for step in found["steps"] if step["mail"] and str(step["n"]) == wanted), None)
    if made is None:
        return _framed(
            request, request.localizer.translate(_("The contact does not come to this email now."))
        )
    if not made.get("html"):
        return _framed(request, made.get("text") or made.get("barred") or "")
    request.header_profile = "preview"
    return Response(made["html"], content_type="text/html", charset="utf-8")


def _framed(request: Request, text: str, status: int = 200) -> Response:
    request.header_profile = "preview"
    return Response(text, content_type="text/plain", charset="utf-8", status=status)


def tried(context: Workflow, request: Request, form: dict[str, Any]) -> dict[str, Any]:
    asked = asked_by(request, form)
    return told(request, request.services(Simulating).run(context.row.id, asked))


def shown(
    context: Workflow,
    request: Request,
    form: dict[str, Any],
    found: dict[str, Any] | None = None,
    error: Told | None = None,
) -> dict[str, Any]:
    workflow = request.services(services.Workflows).row(context.id)
    if workflow is None:
        raise NotFound
    versions = request.services(services.Versions)
    rows = request.db.execute(versions.of(context.id).order_by(versions.newest).limit(20)).all()
    text = request.localizer.translate
    draft = [("", text(_("The draft")))]
    return {
        "workflow": workflow,
        "form": form | {"invented": form["invented"] or sample_text(request), "who": form["who"] or "real"},
        "versions": draft
        + [(str(row.number), text(_("Version ${number}", mapping={"number": row.number}))) for row in rows],
        "people": newest_contacts(request),
        "fates": FATES,
        "reactions": REACTIONS,
        "child_ends": CHILD_ENDS,
        "steps": [_line(request, step) for step in found["steps"]] if found else [],
        "end": found["end"] | {"tone": ENDS[found["end"]["status"]]} if found else None,
        "lasted": _length(request, found["end"]["seconds"]) if found else "",
        "error": error,
    }


def _line(request: Request, step: dict[str, Any]) -> dict[str, Any]:
    """One visit as an entry of the way, with what may be picked for its step."""
    wait, mail = step["wait"], step["mail"]
    kind = "mail" if mail else (wait or {}).get("kind", "")
    if kind in ("timer", "retry", "merge", "") and len(step["ports"]) > 1:
        kind = "port"
    why = translated(reasons(step["why"]), request.localizer.translate)
    return step | {
        "picks": kind if kind in ("mail", "event", "action", "child", "port") else "",
        "because": why,
        "at": datetime.fromisoformat(step["left_at"] or step["entered_at"]),
        "tone": TONES.get(step["outcome"], "bad" if step["port"] == "error" else ""),
        "waits": _length(request, wait["seconds"]) if wait and wait["seconds"] else "",
        "changes": [_change(each) for each in step["effects"]],
    }


def _change(effect: dict[str, Any]) -> str:
    """An effect in short: `tag + warm`, `fields.plan = gold`."""
    kind = effect["effect"]
    if kind in ("AddTag", "RemoveTag"):
        return f"tag {'+' if kind == 'AddTag' else '−'} {effect['tag']}"
    if kind in ("UpdateContact", "UpdateBusiness"):
        return ", ".join(f"{name} = {value}" for name, value in effect["set"].items())
    return f"{kind.lower()} {effect.get('name') or effect.get('title') or ''}".strip()


def _length(request: Request, seconds: float) -> str:
    """A length of time in its largest whole unit."""
    for size, many, one in LENGTHS:
        if seconds >= size:
            n = round(seconds / size, 1)
            message = one if n == 1 else _(str(many), mapping={"n": f"{n:g}"})
            return str(request.localizer.translate(message))
    return str(request.localizer.translate(_("${n} seconds", mapping={"n": f"{seconds:g}"})))
