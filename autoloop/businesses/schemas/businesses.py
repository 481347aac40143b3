"""Shapes of businesses."""

from __future__ import annotations

import colander

from autoloop.base.i18n import _
from autoloop.businesses.models import BUSINESS_STATUSES
from autoloop.businesses.schemas.nodes import Words, choice, moment, text, values
from autoloop.web.input import ListQuery

__all__ = ["BusinessIn", "BusinessOut", "BusinessPatch", "BusinessQuery", "BusinessRowOut"]


class BusinessPatch(colander.MappingSchema):
    """What may change of a business. What is left out stays; an empty text empties."""

    name = text(_("Name"), missing=colander.drop)
    domain = text(_("Domain"), 400, empty=True)
    external_id = text(_("External id"), empty=True)
    email = text(_("Email"), 320, empty=True)
    phone = text(_("Phone"), 60, empty=True)
    website = text(_("Website"), 400, empty=True)
    city = text(_("City"), empty=True)
    country = text(_("Country"), 100, empty=True)
    timezone = text(_("Time zone"), 60, empty=True)
    status = choice(_("Status"), BUSINESS_STATUSES, missing=colander.drop)
    tags = Words(title=_("Tags"), validator=colander.Length(max=100), missing=colander.drop)
    fields = values(_("Custom fields"), missing=colander.drop)


class BusinessIn(BusinessPatch):
    """A new business: it has a name."""

    name = text(_("Name"))


class BusinessRowOut(colander.MappingSchema):
    """A business in a list."""

    id = text("Id")
    name = text("Name")
    domain = text("Domain, in lower case")
    external_id = text("Id in another system", missing=None)
    email = text("Email", missing=None)
    phone = text("Phone")
    website = text("Website")
    city = text("City")
    country = text("Country")
    timezone = text("Time zone")
    status = text("Status")
    tags = Words(title="Tags")
    created_at = moment("Made")
    updated_at = moment("Changed")


class BusinessOut(BusinessRowOut):
    """A business."""

    user_id = text("Who made it", missing=None)
    fields = values("Custom fields")


class BusinessQuery(ListQuery):
    """Filters of the list of businesses."""

    status = choice(_("Status"), BUSINESS_STATUSES, missing=None)
    tag = text(_("Tag"), 100, missing=None)
    country = text(_("Country"), 100, missing=None)
    field = text(_("Custom field, as key:value"), 300, missing=None)
