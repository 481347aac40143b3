"""The HTML door of email templates: list, editor with preview, versions."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from autoloop.base.errors import Conflict, Invalid, PreconditionFailed
from autoloop.base.i18n import _
from autoloop.base.ids import parse_id
from autoloop.base.liquid import TemplateInvalid
from autoloop.businesses.models import Topic
from autoloop.businesses.services import Topics
from autoloop.mail.enclosures import content_id
from autoloop.mail.headers import headers_text
from autoloop.mail.render import check, fields_read, render, would_skip
from autoloop.mail.services.references import unlocated_senders
from autoloop.mail.templates import schemas
from autoloop.mail.templates.carrying import TemplateFiles
from autoloop.mail.templates.forms import read_template, rules_for
from autoloop.mail.templates.people import People
from autoloop.mail.templates.resources import Template, Templates, Version
from autoloop.mail.templates.services import WRITTEN
from autoloop.mail.templates.services import Templates as TemplateService
from autoloop.mail.templates.source import Draft
from autoloop.mail.templates.starters import STARTERS, starter
from autoloop.web import page
from autoloop.web.flash import say
from autoloop.web.input import checked, read_query
from autoloop.web.permissions import Permission
from autoloop.web.refusals import Told, refuse, told

HERE = "autoloop.mail.templates:templates/"
VIEWS = ("desktop", "phone", "text")


@page(context=Templates, permission=Permission.READ, template=HERE + "list.jinja2")
def templates(context: Templates, request: Request) -> dict[str, Any]:
    request.filters = read_query(request, schemas.TemplateListQuery(), many=True)
    return {"page": request.services(TemplateService).page(request.filters), "filters": request.filters}


@page(context=Templates, name="new", permission=Permission.EDIT, template=HERE + "editor.jinja2")
def new_template(context: Templates, request: Request) -> dict[str, Any]:
    return editor(request, None, starter(request.GET.get("starter", "")))


@page(
    context=Templates, name="new", method="POST", permission=Permission.EDIT, template=HERE + "editor.jinja2"
)
def create_template(context: Templates, request: Request) -> Any:
    given: dict[str, Any] = starter("")
    try:
        given |= read_template(request)
        made = request.services(TemplateService).create(checked(schemas.CreateTemplate(), given))
    except Invalid as error:
        return editor(request, None, given, refuse(request, error))
    return HTTPSeeOther(request.resource_url(context, made.template.id))


@page(context=Templates, name="preview", method="POST", permission=Permission.EDIT)
def preview_unsaved(context: Templates, request: Request) -> Response:
    return framed(request, None)


@page(context=Template, permission=Permission.READ, template=HERE + "editor.jinja2")
def template(context: Template, request: Request) -> dict[str, Any]:
    return editor(request, context, request.services(TemplateService).whole(context.row).plain())


@page(context=Template, method="POST", permission=Permission.EDIT, template=HERE + "editor.jinja2")
def change_template(context: Template, request: Request) -> Any:
    """Saves, unless someone else saved since this form was opened: then both are shown."""
    given = request.services(TemplateService).whole(context.row).plain()
    try:
        posted = read_template(request)
        given |= posted
        if request.POST.get("etag") not in (None, "", context.etag):
            raise PreconditionFailed
        changed = request.services(TemplateService).change(
            context.row, checked(schemas.ChangeTemplate(), posted)
        )
    except (Invalid, Conflict, PreconditionFailed) as error:
        return editor(request, context, given, refuse(request, error))
    say(request, _("Version ${number} is saved.", mapping={"number": changed.version.number}))
    return HTTPSeeOther(request.resource_url(context))


@page(context=Template, name="preview", permission=Permission.READ)
def preview_saved(context: Template, request: Request) -> Response:
    return framed(request, context)


@page(context=Template, name="preview", method="POST", permission=Permission.EDIT)
def preview_draft(context: Template, request: Request) -> Response:
    return framed(request, context)


@page(context=Template, name="duplicate", method="POST", permission=Permission.EDIT)
def duplicate_template(context: Template, request: Request) -> Response:
    made = request.services(TemplateService).duplicate(context.row)
    return HTTPSeeOther(request.resource_url(context.__parent__, made.template.id))


@page(context=Template, name="archive", method="POST", permission=Permission.EDIT)
def archive_template(context: Template, request: Request) -> Response:
    request.services(TemplateService).archive(context.row)
    return HTTPSeeOther(request.resource_url(context.__parent__))


@page(context=Template, name="unarchive", method="POST", permission=Permission.EDIT)
def unarchive_template(context: Template, request: Request) -> Response:
    request.services(TemplateService).unarchive(context.row)
    return HTTPSeeOther(request.resource_url(context))


@page(context=Version, permission=Permission.READ, template=HERE + "version.jinja2")
def version(context: Version, request: Request) -> dict[str, Any]:
    return {"version": context.row, "template": context.__parent__.template.row}  # type: ignore[union-attr]


@page(context=Version, name="preview", permission=Permission.READ)
def preview_version(context: Version, request: Request) -> Response:
    return mail_response(request, context.row)


@page(context=Version, name="restore", method="POST", permission=Permission.EDIT)
def restore_version(context: Version, request: Request) -> Response:
    node = context.__parent__.template  # type: ignore[union-attr]
    request.services(TemplateService).restore_version(node.row, context.number)
    return HTTPSeeOther(request.resource_url(node))


def editor(
    request: Request, node: Template | None, given: dict[str, Any], error: Told | None = None
) -> dict[str, Any]:
    """What the editor page shows: the form as given, the fields of what can be read, the versions."""
    service = request.services(TemplateService)
    person = request.params.get("contact_id", "")
    view = request.params.get("view", "desktop")
    try:
        draft: Draft | None = service.draft(None, {name: given[name] for name in WRITTEN if name in given})
    except Invalid:
        draft = None
    found = {"fields": [], "problems": [], "skips": False}
    if draft is not None:
        data = request.services(People).context(parse_id(person))
        found = {
            "fields": rules_for(fields_read(draft), draft.field_rules),
            "problems": check(draft, data),
            "skips": would_skip(draft, data),
        }
    base = request.resource_url(node if node is not None else request.context)
    return {
        "node": node,
        "template": node.row if node is not None else None,
        "etag": node.etag if node is not None else "",
        "given": given,
        "starters": starters(request) if node is None else [],
        "headers": headers_text(given.get("headers")),
        **carried(request, draft),
        "error": error,
        "people": [
            ("", request.localizer.translate(_("A sample person"))),
            *request.services(People).choices(),
        ],
        "topics": topic_options(request, given.get("topic") or ""),
        "person": person,
        "view": view if view in VIEWS else "desktop",
        "versions": service.versions(node.row.id) if node is not None else [],
        "preview_url": base + "preview",
        "may_edit": request.has_permission(Permission.EDIT, request.context),
        **found,
    }


def carried(request: Request, draft: Draft | None) -> dict[str, Any]:
    """What goes along: which pictures the text shows, how much may, and whether marketing mail may go at all."""
    shown = draft.compiled.get("shown", {}) if draft is not None else {}
    pictures = [each for each in (draft.files if draft is not None else ()) if each["cid"]]
    settings = request.runtime.settings
    return {
        "shown": {each["cid"] for each in pictures if content_id(each["cid"], each["hash"]) in shown},
        "limits": {"most": settings.attachments_most, "mb": settings.attachments_mb},
        "located": None not in unlocated_senders(request.services, {None}),
    }


def starters(request: Request) -> list[tuple[str, str, bool]]:
    """What a new template may start from, as tabs."""
    at, chosen = (
        request.resource_url(request.context, "new"),
        request.GET.get("starter") or next(iter(STARTERS)),
    )
    return [
        (request.localizer.translate(title), f"{at}?starter={name}", name == chosen)
        for name, (title, _fields) in STARTERS.items()
    ]


def topic_options(request: Request, chosen: str) -> list[tuple[str, str]]:
    """What marketing mail may be about; empty where the workspace has no topics."""
    rows = request.services(Topics).rows().order_by(Topic.name, Topic.key)
    topics = [(row.key, row.name) for row in request.db.scalars(rows)]
    if chosen and chosen not in dict(topics):
        topics.append((chosen, chosen))
    return (
        [("", request.localizer.translate(_("None: to all who take marketing mail"))), *topics]
        if topics
        else []
    )


def framed(request: Request, node: Template | None) -> Response:
    """The mail alone, for the preview's frame: what was posted, else what is saved."""
    service = request.services(TemplateService)
    row = node.row if node is not None else None
    if request.method == "GET":
        assert row is not None
        return mail_response(request, service.whole(row).version)
    try:
        return mail_response(request, service.draft(row, read_template(request)))
    except Invalid as error:
        why = told(request, error)
        lines = [line for lines in why.details.values() for line in lines] or [why.message]
        return plain_response(request, "\n".join(lines), 422)


def mail_response(request: Request, written: Any) -> Response:
    person = request.services(People).context(parse_id(request.params.get("contact_id", "")))
    try:
        made = render(written, person, request.services.clock.now())
    except TemplateInvalid as error:
        return plain_response(request, told(request, error).message, 422)
    if request.params.get("view") == "text":
        return plain_response(request, f"{made.subject}\n\n{made.text}")
    request.header_profile = "preview"
    html = request.services(TemplateFiles).in_place(written, made.html)
    return Response(html, content_type="text/html", charset="utf-8")


def plain_response(request: Request, text: str, status: int = 200) -> Response:
    request.header_profile = "preview"
    return Response(text, content_type="text/plain", charset="utf-8", status=status)
