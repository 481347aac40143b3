"""The JSON door of the rules by which mail finds its way out."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autoloop.mail import resources, schemas
from autoloop.mail.services.rules import ProviderRules
from autoloop.web import Page, api_view
from autoloop.web.permissions import Permission


@api_view(
    context=resources.ProviderRules, permission=Permission.MANAGE_PROVIDERS, out=schemas.RuleOut, many=True
)
def rules(context: resources.ProviderRules, request: Request) -> Page:
    """The rules, in the order in which they are asked; the first that fits decides."""
    return Page(list(request.services(ProviderRules).all()))


@api_view(
    context=resources.ProviderRules,
    method="PUT",
    permission=Permission.MANAGE_PROVIDERS,
    body=schemas.SetRules,
    out=schemas.RuleOut,
    many=True,
)
def set_rules(context: resources.ProviderRules, request: Request) -> Any:
    """Make these the rules. Mail that waits follows them from its next try on."""
    return Page(list(request.services(ProviderRules).replace(request.validated["rules"])))
