"""The JSON door of email templates."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pyramid.request import Request
from pyramid.response import Response

from autoloop.base.liquid import TemplateInvalid
from autoloop.mail.models import EmailTemplateVersion
from autoloop.mail.render import check, fields_read, render, would_skip
from autoloop.mail.templates import schemas
from autoloop.mail.templates.people import People
from autoloop.mail.templates.resources import Template, Templates, Version, Versions
from autoloop.mail.templates.services import WRITTEN, WholeTemplate
from autoloop.mail.templates.services import Templates as TemplateService
from autoloop.mail.templates.source import Draft
from autoloop.web import Page, api_view
from autoloop.web.answers import json_response, shape
from autoloop.web.caching import cached_list
from autoloop.web.permissions import Permission

ROW = schemas.TemplateRowOut()


@api_view(
    context=Templates,
    permission=Permission.READ,
    query=schemas.TemplateListQuery,
    out=schemas.TemplateRowOut,
    many=True,
)
def list_templates(context: Templates, request: Request) -> Response:
    """The email templates, the latest changed first."""
    service = request.services(TemplateService)
    return cached_list(
        request, "templates", "templates", ("templates",), ROW, lambda: service.page(request.filters)
    )


@api_view(
    context=Templates,
    method="POST",
    permission=Permission.EDIT,
    body=schemas.CreateTemplate,
    out=schemas.TemplateOut,
)
def create_template(context: Templates, request: Request) -> dict[str, Any]:
    """Make a template with its first version."""
    return whole(request.services(TemplateService).create(request.validated))


@api_view(
    context=Templates,
    method="POST",
    name="preview",
    permission=Permission.READ,
    body=schemas.PreviewTemplate,
    out=schemas.PreviewOut,
)
def preview_unsaved(context: Templates, request: Request) -> dict[str, Any]:
    """Show what is written as a contact would get it, saving nothing."""
    return previewed(request, request.services(TemplateService).draft(None, request.validated))


@api_view(context=Template, permission=Permission.READ, out=schemas.TemplateOut)
def get_template(context: Template, request: Request) -> dict[str, Any]:
    """A template with its current version and the fields it reads."""
    return whole(request.services(TemplateService).whole(context.row))


@api_view(
    context=Template,
    method="PATCH",
    permission=Permission.EDIT,
    body=schemas.ChangeTemplate,
    out=schemas.TemplateOut,
)
def change_template(context: Template, request: Request) -> Response:
    """Change the name or what is written; the latter makes a new version."""
    changed = request.services(TemplateService).change(context.row, request.validated)
    response = json_response({"success": True, "data": shape(whole(changed), _OUT)})
    response.etag = context.etag
    return response


_OUT = schemas.TemplateOut()


@api_view(context=Template, method="DELETE", permission=Permission.EDIT)
def archive_template(context: Template, request: Request) -> None:
    """Archive a template. Workflows that name it keep working."""
    request.services(TemplateService).archive(context.row)


@api_view(
    context=Template, method="POST", name="unarchive", permission=Permission.EDIT, out=schemas.TemplateOut
)
def unarchive_template(context: Template, request: Request) -> dict[str, Any]:
    """Bring an archived template back."""
    service = request.services(TemplateService)
    service.unarchive(context.row)
    return whole(service.whole(context.row))


@api_view(
    context=Template,
    method="POST",
    name="duplicate",
    permission=Permission.EDIT,
    body=schemas.DuplicateTemplate,
    out=schemas.TemplateOut,
    status=201,
)
def duplicate_template(context: Template, request: Request) -> dict[str, Any]:
    """Make a new template that starts with this one's current version."""
    return whole(request.services(TemplateService).duplicate(context.row, request.validated["name"]))


@api_view(
    context=Template,
    method="POST",
    name="preview",
    permission=Permission.READ,
    body=schemas.PreviewTemplate,
    out=schemas.PreviewOut,
)
def preview_template(context: Template, request: Request) -> dict[str, Any]:
    """Show the template as a contact would get it; what is given stands in place of what is saved."""
    return previewed(request, request.services(TemplateService).draft(context.row, request.validated))


@api_view(
    context=Template,
    method="POST",
    name="check",
    permission=Permission.READ,
    body=schemas.PreviewTemplate,
    out=schemas.ProblemsOut,
)
def check_template(context: Template, request: Request) -> dict[str, Any]:
    """Unknown and empty fields, for a contact or a sample."""
    draft = request.services(TemplateService).draft(context.row, request.validated)
    person = request.services(People).context(request.validated["contact_id"])
    return verdict(draft, person)


@api_view(context=Versions, permission=Permission.READ, out=schemas.VersionRowOut, many=True)
def list_versions(context: Versions, request: Request) -> Page:
    """The versions of a template, the newest first."""
    rows = request.services(TemplateService).versions(context.template.row.id)
    return Page(rows, None, len(rows))


@api_view(context=Version, permission=Permission.READ, out=schemas.VersionOut)
def get_version(context: Version, request: Request) -> dict[str, Any]:
    """One version with what was written."""
    return version(context.row)


@api_view(context=Version, method="POST", name="restore", permission=Permission.EDIT, out=schemas.TemplateOut)
def restore_version(context: Version, request: Request) -> dict[str, Any]:
    """Make this version the current one again, as a new version."""
    template = context.__parent__.template.row  # type: ignore[union-attr]
    return whole(request.services(TemplateService).restore_version(template, context.number))


def whole(found: WholeTemplate) -> dict[str, Any]:
    return found.plain() | {"fields": [asdict(each) for each in fields_read(found.version)]}


def version(row: EmailTemplateVersion) -> dict[str, Any]:
    written = {name: getattr(row, name) for name in ("id", "number", "created_at", *WRITTEN)}
    return written | {"fields": [asdict(each) for each in fields_read(row)]}


def verdict(draft: Draft, person: dict[str, Any]) -> dict[str, Any]:
    """The problems, and whether they would keep this person from being mailed."""
    return {
        "would_skip": would_skip(draft, person),
        "problems": [asdict(each) for each in check(draft, person)],
    }


def previewed(request: Request, draft: Draft) -> dict[str, Any]:
    person = request.services(People).context(request.validated["contact_id"])
    found = verdict(draft, person)
    try:
        made = render(draft, person, request.services.clock.now())
    except TemplateInvalid as error:
        return found | {"subject": "", "preheader": "", "html": "", "text": error.message}
    return found | {
        "subject": made.subject,
        "preheader": made.preheader,
        "html": made.html,
        "text": made.text,
    }
