"""Shapes of the rules by which mail finds its way out."""

from __future__ import annotations

import colander

from autoloop.base.i18n import _
from autoloop.mail.schemas.nodes import id_of, one_of, text

__all__ = ["RuleOut", "SetRules"]


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
