"""Shapes of opens and clicks."""

from __future__ import annotations

from typing import Any

import colander

from autoloop.base.i18n import _

__all__ = ["ClicksOut", "ClicksQuery", "TouchesOut"]


def whole(title: str, **options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.Integer(), title=title, **options)


def moment(title: str) -> colander.SchemaNode:
    return colander.SchemaNode(colander.DateTime(), title=title, missing=None)


def text(title: str, **options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.String(), title=title, **options)


class TouchOut(colander.MappingSchema):
    what = text("open or click")
    link = whole("Which link of the template, from 1; null for an open", missing=None)
    url = text("Its address as the template has it", missing=None)
    people = whole("How often by people")
    machines = whole("How often by machines: mail readers' proxies, scanners")
    first_at = moment("First")
    last_at = moment("Last")
    people_at = moment("First by a person")


class TouchesOut(colander.SequenceSchema):
    touch = TouchOut()


class CountOut(colander.MappingSchema):
    emails = whole("Emails that a person opened, or followed the link of")
    people = whole("How often by people")
    machines = whole("How often by machines")
    last_at = moment("Last")


class LinkOut(CountOut):
    link = whole("Which link of the template, from 1")
    url = text("Its address as the template has it")


class LinksOut(colander.SequenceSchema):
    link = LinkOut()


class ClicksOut(colander.MappingSchema):
    version = whole("Version of the template")
    opens = CountOut(title="Opens of emails made of it")
    links = LinksOut(title="Its links, in their order")


class ClicksQuery(colander.MappingSchema):
    version = colander.SchemaNode(
        colander.Integer(),
        title=_("Version"),
        validator=colander.Range(1, 10_000_000),
        missing=None,
        description="The current one if omitted",
    )
