"""What visitors see: the form, and the thanks. No session, no cookie, no script."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pyramid.request import Request
from sqlalchemy import text

from autoloop.accounts.forms import posted_text
from autoloop.base.errors import Forbidden, Invalid, TooMany
from autoloop.base.i18n import _
from autoloop.base.ids import new_id
from autoloop.businesses.services.consents import Consents
from autoloop.engine.forms.resources import PublicForm
from autoloop.engine.forms.services import honeypot_of
from autoloop.engine.forms.submitting import Submitting
from autoloop.engine.models import Form
from autoloop.web import page
from autoloop.web.headers import frame_ancestors
from autoloop.web.permissions import Permission
from autoloop.web.refusals import Told, refuse
from autoloop.web.traffic import network

LOCALE = text("select locale from workspaces where id = :id")
TEMPLATE = "autoloop.engine:forms/templates/public.jinja2"


@page(context=PublicForm, permission=Permission.PUBLIC, template=TEMPLATE)
def form_page(context: PublicForm, request: Request) -> dict[str, Any]:
    return shown(request, context.form, {}, str(new_id()))


@page(context=PublicForm, method="POST", permission=Permission.PUBLIC, template=TEMPLATE, require_csrf=False)
def submit(context: PublicForm, request: Request) -> dict[str, Any]:
    form = context.form
    embeddable(request, form)
    refuse_strangers(request, form)
    caller = f"{form.id} {network(request.client_address)}"
    verdict = request.registry.limits.hit("forms", caller, form.per_minute, 60)
    if not verdict.ok:
        raise TooMany(_("That was too often. Wait a minute and try again."), retry_after=verdict.reset)
    given = posted_text(request)
    submission = given.pop("submission", "")
    request.services(Consents).heard_from(request.client_address)
    try:
        request.services(Submitting).take(form, given, submission)
    except Invalid as error:
        return shown(request, form, given, submission or str(new_id()), refuse(request, error))
    return shown(request, form, {}, "", done=True)


def shown(
    request: Request,
    form: Form,
    given: dict[str, str],
    submission: str,
    error: Told | None = None,
    *,
    done: bool = False,
) -> dict[str, Any]:
    embeddable(request, form)
    request.response.cache_control = "no-store"
    return {
        "form": form,
        "given": given,
        "faults": error.details if error else {},
        "message": error.message if error and not error.details else "",
        "submission": submission,
        "honeypot": honeypot_of(form),
        "done": done,
    }


def embeddable(request: Request, form: Form) -> None:
    request.speak(last=request.services.session.scalar(LOCALE, {"id": form.workspace_id}) or "")
    request.header_profile = "embed"
    request.frame_ancestors = frame_ancestors(["'self'", *form.origins])


def refuse_strangers(request: Request, form: Form) -> None:
    """A browser says from where a form was sent: only our own page and the sites that were named may."""
    origin = request.headers.get("Origin", "").lower()
    if not origin or origin == "null":
        return
    ours = {request.host_url.lower(), _origin(request.runtime.settings.public_url)}
    if origin not in ours and origin not in form.origins:
        raise Forbidden(_("This form may not be sent from this site."), code="ORIGIN_NOT_ALLOWED")


def _origin(url: str) -> str:
    parts = urlsplit(url.lower())
    return f"{parts.scheme}://{parts.netloc}"
