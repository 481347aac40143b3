"""The JSON door of custom fields, tags and topics."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autoloop.businesses import models, services
from autoloop.businesses.resources import Field, Fields, Tag, Tags, Topic, Topics
from autoloop.businesses.schemas import vocabulary as schemas
from autoloop.web import Page, api_view
from autoloop.web.paging import fetch_page, matching, order_of
from autoloop.web.permissions import Permission


def _listed(
    request: Request, table: Any, rows: Any, sorts: tuple[str, ...], searched: tuple[str, ...]
) -> Page:
    order = order_of(
        request.filters["sort"], {name: getattr(table, name) for name in sorts}, default=sorts[0]
    )
    rows = matching(request.filters, rows, *(getattr(table, name) for name in searched))
    # The columns, not the object: pages are of rows that carry their cursor.
    rows = rows.with_only_columns(*[column for column in table.__table__.c if column.name != "workspace_id"])
    return fetch_page(request.db, rows, order, table.id, request.filters, count=True)


@api_view(
    context=Fields, permission=Permission.READ, query=schemas.FieldQuery, out=schemas.FieldOut, many=True
)
def fields(context: Fields, request: Request) -> Page:
    """Custom fields of contacts and businesses."""
    table = models.FieldDefinition
    rows = request.services(services.Fields).rows()
    if request.filters["target"]:
        rows = rows.where(table.target == request.filters["target"])
    return _listed(request, table, rows, ("key", "title", "position"), ("key", "title"))


@api_view(
    context=Fields, method="POST", permission=Permission.EDIT, body=schemas.FieldIn, out=schemas.FieldOut
)
def create_field(context: Fields, request: Request) -> Any:
    """Define a custom field. Key and kind cannot be changed later."""
    return request.services(services.Fields).create(**request.validated)


@api_view(context=Field, permission=Permission.READ, out=schemas.FieldOut)
def field(context: Field, request: Request) -> Any:
    """One custom field."""
    return context.row


@api_view(
    context=Field, method="PATCH", permission=Permission.EDIT, body=schemas.FieldPatch, out=schemas.FieldOut
)
def change_field(context: Field, request: Request) -> Any:
    """Change title, position or choices."""
    return request.services(services.Fields).change(context.row, request.validated)


@api_view(context=Field, method="DELETE", permission=Permission.EDIT)
def delete_field(context: Field, request: Request) -> None:
    """Remove a custom field and every value in it."""
    request.services(services.Fields).delete(context.row)


@api_view(context=Tags, permission=Permission.READ, out=schemas.TagOut, many=True)
def tags(context: Tags, request: Request) -> Page:
    """Tags."""
    rows = request.services(services.Tags).rows()
    return _listed(request, models.Tag, rows, ("name", "created_at"), ("name",))


@api_view(context=Tags, method="POST", permission=Permission.EDIT, body=schemas.TagIn, out=schemas.TagOut)
def create_tag(context: Tags, request: Request) -> Any:
    """Make a tag."""
    return request.services(services.Tags).create(**request.validated)


@api_view(context=Tag, permission=Permission.READ, out=schemas.TagOut)
def tag(context: Tag, request: Request) -> Any:
    """One tag."""
    return context.row


@api_view(context=Tag, method="PATCH", permission=Permission.EDIT, body=schemas.TagPatch, out=schemas.TagOut)
def change_tag(context: Tag, request: Request) -> Any:
    """Recolour or rename a tag, everywhere."""
    return request.services(services.Tags).change(context.row, request.validated)


@api_view(context=Tag, method="DELETE", permission=Permission.EDIT)
def delete_tag(context: Tag, request: Request) -> None:
    """Remove a tag, also from everything that carries it."""
    request.services(services.Tags).delete(context.row)


@api_view(context=Topics, permission=Permission.READ, out=schemas.TopicOut, many=True)
def topics(context: Topics, request: Request) -> Page:
    """What contacts may subscribe to."""
    rows = request.services(services.Topics).rows()
    return _listed(request, models.Topic, rows, ("name", "key", "created_at"), ("name", "key"))


@api_view(
    context=Topics, method="POST", permission=Permission.EDIT, body=schemas.TopicIn, out=schemas.TopicOut
)
def create_topic(context: Topics, request: Request) -> Any:
    """Make a topic. Its key cannot be changed later."""
    return request.services(services.Topics).create(**request.validated)


@api_view(context=Topic, permission=Permission.READ, out=schemas.TopicOut)
def topic(context: Topic, request: Request) -> Any:
    """One topic."""
    return context.row


@api_view(
    context=Topic, method="PATCH", permission=Permission.EDIT, body=schemas.TopicPatch, out=schemas.TopicOut
)
def change_topic(context: Topic, request: Request) -> Any:
    """Change name, description, or who sees it."""
    return request.services(services.Topics).change(context.row, request.validated)


@api_view(context=Topic, method="DELETE", permission=Permission.EDIT)
def delete_topic(context: Topic, request: Request) -> None:
    """Remove a topic, and every subscription to it."""
    request.services(services.Topics).delete(context.row)
