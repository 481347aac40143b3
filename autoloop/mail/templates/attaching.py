"""Both doors of a template's files."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from autoloop.base.errors import Conflict, Invalid, TooLarge, UnsupportedMedia
from autoloop.base.i18n import _
from autoloop.mail.templates import schemas
from autoloop.mail.templates.carrying import TemplateFiles
from autoloop.mail.templates.pages import HERE, editor
from autoloop.mail.templates.resources import File, Files
from autoloop.mail.templates.services import Templates as TemplateService
from autoloop.mail.templates.views import whole
from autoloop.web import Page, api_view, page
from autoloop.web.flash import say
from autoloop.web.permissions import Permission
from autoloop.web.refusals import refuse

__all__ = ["received"]

REFUSALS = (Invalid, Conflict, TooLarge)


def received(request: Request) -> list[tuple[str, bytes]]:
    """The uploaded files with their names, never more octets than a template may have.

    :raises TooLarge: without reading the body, if it says that it is larger than all files may be.
    """
    most = request.runtime.settings.attachments_mb * 1_000_000
    if (request.content_length or 0) > most + 100_000:
        raise TooLarge(
            _("The files of a template may have ${most} MB together.", mapping={"most": most // 1_000_000})
        )
    if request.content_type != "multipart/form-data":
        raise UnsupportedMedia(_("Send the files as multipart/form-data, each as the field “file”."))
    found = [each for each in request.POST.getall("file") if not isinstance(each, str) and each.filename]
    if not found:
        raise Invalid(details={"file": [_("Send the file as the form's field “file”.")]})
    return [(each.filename, each.file.read(most + 1)) for each in found]


@api_view(context=Files, permission=Permission.READ, out=schemas.FileOut, many=True)
def list_files(context: Files, request: Request) -> Page:
    """The files that the template's current version sends along."""
    files = request.services(TemplateService).whole(context.template.row).version.files
    return Page(files, None, len(files))


@api_view(context=Files, method="POST", permission=Permission.EDIT, out=schemas.TemplateOut)
def add_files(context: Files, request: Request) -> dict[str, Any]:
    """Add files, sent as multipart/form-data in fields called `file`. Makes a version; all are taken, or none.

    A picture goes along inside the HTML where that says `cid:` and the picture's `cid`, else as an attachment.
    """
    return whole(request.services(TemplateFiles).add(context.template.row, received(request)))


@api_view(context=File, method="DELETE", permission=Permission.EDIT, out=schemas.TemplateOut)
def remove_file(context: File, request: Request) -> dict[str, Any]:
    """Make a version without this file. Earlier versions keep it."""
    return whole(request.services(TemplateFiles).remove(context.template.row, context.__name__))


@api_view(context=File, permission=Permission.READ)
def get_file(context: File, request: Request) -> Response:
    """The file itself, as the current version has it."""
    return download(context, request)


@page(context=File, permission=Permission.READ)
def show_file(context: File, request: Request) -> Response:
    return download(context, request)


@page(context=Files, method="POST", permission=Permission.EDIT, template=HERE + "editor.jinja2")
def upload(context: Files, request: Request) -> Any:
    node = context.template
    try:
        with request.db.begin_nested():
            request.services(TemplateFiles).add(node.row, received(request))
    except REFUSALS as error:
        given = request.services(TemplateService).whole(node.row).plain()
        return editor(request, node, given, refuse(request, error))
    say(request, _("The files are added."))
    return HTTPSeeOther(request.resource_url(node))


@page(context=File, name="remove", method="POST", permission=Permission.EDIT)
def remove(context: File, request: Request) -> Response:
    request.services(TemplateFiles).remove(context.template.row, context.__name__)
    return HTTPSeeOther(request.resource_url(context.template))


def download(context: File, request: Request) -> Response:
    """Never shown within our pages: whatever it is, browsers save it."""
    version = request.services(TemplateService).whole(context.template.row).version
    file, body = request.services(TemplateFiles).read(version, context.__name__)
    response = Response(body=body, content_type="application/octet-stream")
    response.content_disposition = f"attachment; filename*=utf-8''{quote(file['name'], safe='')}"
    return response
