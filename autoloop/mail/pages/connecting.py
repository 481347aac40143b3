"""Connecting a provider account: out to the service by a page that leaves, and back by one address for all."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.base.crypto import Keyring
from autoloop.base.errors import Invalid, NotFound
from autoloop.base.i18n import _
from autoloop.mail import resources
from autoloop.mail.delivery.channels import outbound
from autoloop.mail.services.connecting import Connecting, read_state
from autoloop.web import page
from autoloop.web.flash import say
from autoloop.web.permissions import Permission

LEAVING = "autoloop.mail:pages/leaving.jinja2"
LONGEST = 4000


@page(
    context=resources.Provider,
    name="connect",
    method="POST",
    permission=Permission.MANAGE_PROVIDERS,
    template=LEAVING,
)
def connect(context: resources.Provider, request: Request) -> Any:
    connecting = request.services(Connecting)
    provider = connecting.provider(context.row)
    if provider is None:
        raise NotFound
    workspace = context.__parent__.__parent__.__name__
    try:
        url = connecting.begin(context.row.id, workspace, request.identity.session_id)
    except Invalid as error:
        return _back(request, context, error.message)
    # By link and script: Chromium blocks a redirect of a form to another origin under form-action 'self'.
    return {"url": url, "service": provider.connects_to, "row": context.row}


@page(context=resources.Connected, permission=Permission.PUBLIC)
def connected(context: resources.Connected, request: Request) -> Any:
    """Where services send people back to: leads on to the account that the state names."""
    state = request.GET.get("state", "")
    returned = read_state(Keyring(request.runtime.settings.secret_keys), state)
    if returned is None:
        raise Invalid(_("This way back is not good any more. Connect again."))
    place = request.root["w"][returned.workspace]["providers"][str(returned.account_id)]
    query = {name: request.GET[name][:LONGEST] for name in ("code", "error", "state") if name in request.GET}
    return HTTPSeeOther(request.resource_url(place, "connected", query=query))


@page(context=resources.Provider, name="connected", permission=Permission.MANAGE_PROVIDERS)
def finish(context: resources.Provider, request: Request) -> Any:
    """Turns the code into settings. What protects it is the state: signed, and of this very session."""
    code, state = request.GET.get("code", ""), request.GET.get("state", "")
    if not code:
        return _back(request, context, _("The service did not agree, or was told not to."))
    http = outbound(request.runtime)
    try:
        request.services(Connecting).finish(context.row.id, request.identity.session_id, state, code, http)
    except Invalid as error:
        return _back(request, context, error.message)
    say(request, _("Connected."))
    return HTTPSeeOther(request.resource_url(context))


def _back(request: Request, context: resources.Provider, message: str) -> HTTPSeeOther:
    say(request, message, refused=True)
    return HTTPSeeOther(request.resource_url(context))
