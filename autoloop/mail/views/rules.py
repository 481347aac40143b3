"""The JSON door of the rules by which mail finds its way out."""

from __future__ import annotations

from typing import Any

import colander
from pyramid.request import Request

from autoloop.base.i18n import _
from autoloop.mail import resources
from autoloop.mail.schemas import id_of, one_of, text
from autoloop.mail.services.rules import ProviderRules
from autoloop.web import Page, api_view
from autoloop.web.permissions import Permission


class Domains(colander.SequenceSchema):
    domain = text(_("Domain"), 253)


class Rule(colander.MappingSchema):
    account_id = id_of(_("Account"))
    workflow_id = id_of(_("Only of this workflow"), missing=None)
    kind = one_of(_("Only of this kind"), ("marketing", "transactional"), missing=None)
    recipient_domains = Domains(
        title=_("Only to these domains"), validator=colander.Length(max=500), missing=()
    )


class Rules(colander.SequenceSchema):
    rule = Rule()


class SetRules(colander.MappingSchema):
    rules = Rules(title=_("Rules in order"), validator=colander.Length(max=50))


class RuleOut(colander.MappingSchema):
    id = text("Id")
    account_id = text("Account")
    workflow_id = text("Only of this workflow", missing=None)
    kind = text("Only of this kind", missing=None)
    recipient_domains = Domains(title="Only to these domains; empty for all")


@api_view(context=resources.ProviderRules, permission=Permission.MANAGE_PROVIDERS, out=RuleOut, many=True)
def rules(context: resources.ProviderRules, request: Request) -> Page:
    """The rules, in the order in which they are asked; the first that fits decides."""
    return Page(list(request.services(ProviderRules).all()))


@api_view(
    context=resources.ProviderRules,
    method="PUT",
    permission=Permission.MANAGE_PROVIDERS,
    body=SetRules,
    out=RuleOut,
    many=True,
)
def set_rules(context: resources.ProviderRules, request: Request) -> Any:
    """Make these the rules. Mail that waits follows them from its next try on."""
    return Page(list(request.services(ProviderRules).replace(request.validated["rules"])))
