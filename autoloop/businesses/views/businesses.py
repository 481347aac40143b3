"""The JSON door of businesses."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autoloop.businesses import services
from autoloop.businesses.models import Business as BusinessTable
from autoloop.businesses.resources import Business, Businesses
from autoloop.businesses.schemas.businesses import (
    BusinessIn,
    BusinessOut,
    BusinessPatch,
    BusinessQuery,
    BusinessRowOut,
)
from autoloop.businesses.schemas.contacts import TagChange
from autoloop.businesses.services.lists import BUSINESS_ORDERS, business_rows
from autoloop.web import Page, api_view
from autoloop.web.caching import cached_list
from autoloop.web.paging import fetch_page, order_of
from autoloop.web.permissions import Permission

__all__ = ["business_page"]

ROW = BusinessRowOut()


def business_page(request: Request, filters: dict[str, Any]) -> Page:
    """One page of businesses, for both doors."""
    order = order_of(filters["sort"], BUSINESS_ORDERS, default="-created_at")
    rows = business_rows(request.services, filters)
    return fetch_page(request.db, rows, order, BusinessTable.id, filters, count=True)


@api_view(context=Businesses, permission=Permission.READ, query=BusinessQuery, out=BusinessRowOut, many=True)
def businesses(context: Businesses, request: Request) -> Any:
    """Businesses; sort by name or created_at."""
    return cached_list(
        request,
        "businesses",
        "businesses.list",
        ("businesses", "fields"),
        ROW,
        lambda: business_page(request, request.filters),
    )


@api_view(context=Businesses, method="POST", permission=Permission.EDIT, body=BusinessIn, out=BusinessOut)
def create_business(context: Businesses, request: Request) -> Any:
    """Make a business."""
    return request.services(services.Businesses).create(request.validated)


@api_view(
    context=Businesses,
    method="POST",
    name="upsert",
    permission=Permission.EDIT,
    body=BusinessIn,
    out=BusinessOut,
)
def upsert_business(context: Businesses, request: Request) -> Any:
    """Make a business, or change the one of the same external id, else of the same domain and name."""
    return request.services(services.Businesses).upsert(request.validated)[0]


@api_view(context=Business, permission=Permission.READ, out=BusinessOut)
def business(context: Business, request: Request) -> Any:
    """One business."""
    return context.row


@api_view(context=Business, method="PATCH", permission=Permission.EDIT, body=BusinessPatch, out=BusinessOut)
def change_business(context: Business, request: Request) -> Any:
    """Change a business. What is left out stays."""
    return request.services(services.Businesses).update(context.row, request.validated)


@api_view(context=Business, method="DELETE", permission=Permission.EDIT)
def delete_business(context: Business, request: Request) -> None:
    """Remove a business. Its contacts stay, without one."""
    request.services(services.Businesses).delete(context.row)


@api_view(
    context=Business,
    method="POST",
    name="tags",
    permission=Permission.EDIT,
    body=TagChange,
    out=BusinessOut,
)
def tag_business(context: Business, request: Request) -> Any:
    """Add and remove tags by name."""
    given = request.validated
    return request.services(services.Businesses).tag(context.row, list(given["add"]), list(given["remove"]))
