"""Shapes of sending domains and their keys."""

from __future__ import annotations

import colander

from autoloop.base.i18n import _
from autoloop.mail.dkim import ALGORITHMS
from autoloop.mail.schemas.nodes import moment, one_of, plain, text

__all__ = ["CreateDomain", "DomainOut", "KeyOut", "NewKey"]


class CreateDomain(colander.MappingSchema):
    name = text(_("Domain"), 253)


class DomainOut(colander.MappingSchema):
    id = text("Id")
    name = text("Domain")
    signing_keys = colander.SchemaNode(colander.Integer(), title="Keys that sign")
    verified_at = moment("All records seen since", missing=None)
    checked_at = moment("Last looked up", missing=None)
    checks = plain("What the DNS said: dkim by selector, spf, dmarc")
    created_at = moment("Made")


class NewKey(colander.MappingSchema):
    algorithm = one_of(_("Algorithm"), ALGORITHMS)


class KeyOut(colander.MappingSchema):
    id = text("Id")
    selector = text("Selector")
    algorithm = text("Algorithm")
    record = text("The TXT record to publish at <selector>._domainkey.<domain>", 2000)
    status = text("new, active or retired")
    created_at = moment("Made")
    activated_at = moment("Signs since", missing=None)
    retired_at = moment("Signed until", missing=None)
