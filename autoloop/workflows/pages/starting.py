"""Pages: who would start, asked before anybody does; and starting them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from sqlalchemy import select

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.businesses.models import Segment
from autoloop.businesses.services import Tags
from autoloop.web import page
from autoloop.web.flash import say
from autoloop.web.permissions import Permission
from autoloop.web.refusals import Told, refuse
from autoloop.workflows import services
from autoloop.workflows.pages.workflows import REFUSALS, TEMPLATES
from autoloop.workflows.resources import Workflow

START = TEMPLATES + "start.jinja2"
MOST_IDS = 10_000
MOST_SEGMENTS = 200
PER_PAGE = 50


def read_who(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The form's choice, for `Starting`; and the form as it was filled in. Raises Invalid."""
    filled = {name: str(given.get(name, "")).strip() for name in ("who", "tag", "segment", "contact_ids")}
    who, ids = filled["who"], filled["contact_ids"].split()
    if who == "tag" and not filled["tag"]:
        raise Invalid(details={"tag": [_("Say which tag.")]})
    if who == "segment" and not filled["segment"]:
        raise Invalid(details={"segment": [_("Choose a segment.")]})
    if who == "ids" and not 1 <= len(ids) <= MOST_IDS:
        raise Invalid(details={"contact_ids": [_("Give 1 to 10,000 contact ids.")]})
    choices: dict[str, dict[str, Any]] = {
        "tag": {"tag": filled["tag"]},
        "segment": {"segment": filled["segment"]},
        "ids": {"contact_ids": ids},
        "all": {"all": True},
    }
    if any("\x00" in value or len(value) > 400_000 for value in filled.values()):
        raise Invalid(details={"who": [_("This cannot be used.")]})
    return choices.get(who, {}), filled


@page(context=Workflow, name="start", permission=Permission.READ, template=START)
def ask(context: Workflow, request: Request) -> dict[str, Any]:
    """The form; with a choice also who would start and who would not, and the contacts of one fate."""
    if not request.GET.get("who"):
        return shown(context, request, {})
    return _previewed(context, request, request.GET)


def _previewed(context: Workflow, request: Request, given: Mapping[str, Any]) -> dict[str, Any]:
    filled = {name: str(given.get(name, "")) for name in ("who", "tag", "segment", "contact_ids")}
    reason = str(given.get("reason", "")).strip()[:60].replace("\x00", "") or None
    try:
        choice, filled = read_who(given)
        cursor = str(given.get("cursor", "")) or None
        preview = request.services(services.Starting).preview(
            context.row.id, reason=reason, cursor=cursor, limit=PER_PAGE, **choice
        )
    except REFUSALS as error:
        return shown(context, request, filled, error=refuse(request, error))
    return shown(context, request, filled, preview=preview, reason=reason)


def shown(
    context: Workflow,
    request: Request,
    filled: dict[str, str],
    error: Told | None = None,
    **more: Any,
) -> dict[str, Any]:
    workspace = request.services.workspace_id
    segments = select(Segment.id, Segment.name).where(Segment.workspace_id == workspace)
    rows = request.db.execute(segments.order_by(Segment.name).limit(MOST_SEGMENTS))
    return {
        "workflow": context.row,
        "filled": filled,
        "segments": [(str(row.id), row.name) for row in rows],
        "tags": request.services(Tags).names(),
        "preview": None,
        "reason": None,
        "error": error,
        "may_publish": request.has_permission(Permission.PUBLISH, context),
    } | more


@page(context=Workflow, method="POST", name="start", permission=Permission.READ, template=START)
def look(context: Workflow, request: Request) -> dict[str, Any]:
    """The same for a pasted list, which is too long for an address. Writes nothing."""
    return _previewed(context, request, request.POST)


@page(context=Workflow, method="POST", name="enrol", permission=Permission.PUBLISH, template=START)
def enrol(context: Workflow, request: Request) -> Any:
    """Start them; more than 5,000 enter part by part, on a page that shows how far that is."""
    filled = {name: str(request.POST.get(name, "")) for name in ("who", "tag", "segment", "contact_ids")}
    try:
        choice, filled = read_who(request.POST)
        done = request.services(services.Starting).by_hand(context.row.id, **choice)
    except REFUSALS as error:
        return shown(context, request, filled, error=refuse(request, error))
    if done["enrolment"] is not None:
        place = request.resource_url(request.workspace_node, "enrolments", str(done["enrolment"].id))
        return HTTPSeeOther(place)
    skipped = sum(each["count"] for each in done["skipped"])
    counted = {"started": f"{done['started']:,}", "skipped": f"{skipped:,}"}
    say(request, _("${started} started, ${skipped} skipped.", mapping=counted))
    return HTTPSeeOther(request.resource_url(context))
