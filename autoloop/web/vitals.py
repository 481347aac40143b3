"""Web vitals of real visits: counted here, shown to administrators."""

from __future__ import annotations

import logging

import colander
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from autoloop.web.input import checked, parse_json
from autoloop.web.permissions import Permission

log = logging.getLogger("autoloop.vitals")


class Vital(colander.MappingSchema):
    name = colander.SchemaNode(
        colander.String(), validator=colander.OneOf(["LCP", "INP", "CLS", "FCP", "TTFB", "FID"])
    )
    value = colander.SchemaNode(colander.Float(), validator=colander.Range(0, 1_000_000))
    path = colander.SchemaNode(colander.String(), missing="", validator=colander.Length(max=300))
    rating = colander.SchemaNode(colander.String(), missing="", validator=colander.Length(max=40))


def vitals(context: object, request: Request) -> Response:
    """One measurement, as the page's script sends it. Logged; kept by whatever reads the logs."""
    given = checked(Vital(), parse_json(request.body[:2000]))
    log.info("%s %.3f %s", given["name"], given["value"], given["path"])
    return Response(status=204)


def includeme(config: Configurator) -> None:
    config.add_route("vitals", "/vitals")
    config.add_view(
        vitals, route_name="vitals", request_method="POST", permission=Permission.PUBLIC, require_csrf=False
    )
