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

MOST = 20  # measurements of one visit
LONGEST = 4000  # bytes


class Vital(colander.MappingSchema):
    name = colander.SchemaNode(
        colander.String(), validator=colander.OneOf(["LCP", "INP", "CLS", "FCP", "TTFB", "FID"])
    )
    value = colander.SchemaNode(colander.Float(), validator=colander.Range(0, 1_000_000))
    rating = colander.SchemaNode(colander.String(), missing="", validator=colander.Length(max=40))


class Measured(colander.SequenceSchema):
    vital = Vital()


class Visit(colander.MappingSchema):
    path = colander.SchemaNode(colander.String(), missing="", validator=colander.Length(max=300))
    measured = Measured(validator=colander.Length(min=1, max=MOST))


def vitals(context: object, request: Request) -> Response:
    """What one visit measured, as the page's script sends it. Logged; kept by whatever reads the logs."""
    given = checked(Visit(), parse_json(request.body_file.read(LONGEST)))
    for each in given["measured"]:
        log.info("%s %.3f %s", each["name"], each["value"], given["path"])
    return Response(status=204)


def includeme(config: Configurator) -> None:
    config.add_route("vitals", "/vitals")
    config.add_view(
        vitals, route_name="vitals", request_method="POST", permission=Permission.PUBLIC, require_csrf=False
    )
