"""Pages: a test run, to one's own address."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.web import page
from autoloop.web.flash import say
from autoloop.web.permissions import Permission
from autoloop.web.refusals import Told, refuse
from autoloop.workflows import services
from autoloop.workflows.pages.trying import chosen_contact, newest_contacts, read_invented, sample_text
from autoloop.workflows.pages.workflows import REFUSALS, TEMPLATES
from autoloop.workflows.resources import Workflow
from autoloop.workflows.services.testing import SHORTEN

ASK = TEMPLATES + "test.jinja2"
FIELDS = ("who", "contact", "to", "shorten", "version")
DAY = 86_400


@page(context=Workflow, name="test", permission=Permission.EDIT, template=ASK)
def ask(
    context: Workflow,
    request: Request,
    given: dict[str, str] | None = None,
    error: Told | None = None,
) -> dict[str, Any]:
    """Who it plays, where its mail goes, which version, how long waits take."""
    workflow, testing = context.row, request.services(services.Testing)
    versions = request.services(services.Versions)
    rows = request.db.execute(versions.of(context.id).order_by(versions.newest).limit(20))
    own = testing.own_address()
    sample = sample_text(request)
    usual = {
        "who": "real",
        "contact": "",
        "to": own,
        "shorten": str(SHORTEN),
        "version": "",
        "invented": sample,
    }
    return {
        "workflow": workflow,
        "addresses": testing.addresses(),
        "contacts": newest_contacts(request),
        "numbers": [row.number for row in rows],
        "given": usual | (given or {}),
        "error": error,
    }


@page(context=Workflow, name="test", method="POST", permission=Permission.EDIT, template=ASK)
def begin(context: Workflow, request: Request) -> Any:
    """Start it, and show it as it goes."""
    given = {name: str(request.POST.get(name, "")).strip()[:320] for name in FIELDS}
    given["invented"] = str(request.POST.get("invented", "")).strip()
    try:
        version, shorten = given["version"], given["shorten"]
        if not (shorten.isascii() and shorten.isdecimal()) or not int(shorten[:9]) <= DAY:
            raise Invalid(details={"shorten": [_("A number of seconds, at most 86,400.")]})
        asked: dict[str, Any] = {"to": given["to"], "shorten": int(shorten)}
        asked["version"] = int(version) if version.isdecimal() and len(version) < 10 else None
        if given["who"] == "invented":
            asked |= {"invented": True} | read_invented(given["invented"])
        elif given["contact"]:
            asked["contact_id"] = chosen_contact(request, given["contact"])
        run = request.services(services.Testing).begin(context.row.id, asked)
    except REFUSALS as error:
        return ask(context, request, given, refuse(request, error))
    say(request, _("This is the test. Its mail goes to ${to}.", mapping={"to": run.variables["test"]["to"]}))
    return HTTPSeeOther(request.resource_url(context, "runs", str(run.id)))
