"""Shapes of provider accounts and of the plugins behind them."""

from __future__ import annotations

import colander

from autoloop.base.i18n import _
from autoloop.mail.schemas.nodes import id_of, line, moment, one_of, plain, text

__all__ = ["AccountOut", "ChangeAccount", "CreateAccount", "ProviderKindOut"]


class CreateAccount(colander.MappingSchema):
    name = line(_("Name"), 120)
    provider = text(_("Provider"), 60)
    config = plain(_("Settings"), missing=colander.drop)


class ChangeAccount(colander.MappingSchema):
    name = line(_("Name"), 120, missing=colander.drop)
    config = plain(_("Settings; secrets that are left out stay"), missing=colander.drop)
    status = one_of(_("Status"), ("active", "off"), missing=colander.drop)
    failover_id = id_of(_("Stands in while this one rests"), nullable=True, missing=colander.drop)
    is_default = colander.SchemaNode(colander.Boolean(), title=_("Default"), missing=colander.drop)


class AccountOut(colander.MappingSchema):
    id = text("Id")
    name = text("Name")
    provider = text("Provider plugin")
    config = plain("Settings without the secret ones")
    has_secrets = colander.SchemaNode(colander.Boolean(), title="Are there secret settings?")
    is_default = colander.SchemaNode(colander.Boolean(), title="Default")
    status = text("Status")
    problem = text("What is wrong with it", 1000, missing=None)
    problem_at = moment("Since", missing=None)
    rest_until = moment("Not tried before", missing=None)
    failover_id = text("The account that stands in while this one rests", missing=None)
    webhook_url = text("Where the provider posts its events", 1000, missing=None)
    last_event_at = moment("Last event that came from it", missing=None)
    created_at = moment("Made")
    updated_at = moment("Changed")


class ProviderKindOut(colander.MappingSchema):
    name = text("Name")
    title = text("Title")
    distribution = text("The package that brings it")
    idempotency = text("How it settles what is unknown")
    config = plain("Its settings as JSON Schema")
    secrets = colander.SchemaNode(
        colander.Sequence(), colander.SchemaNode(colander.String(), name="name"), title="Which are secret"
    )
