"""Exports: records as CSV, written while they are downloaded, in short transactions."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from autoloop.base.errors import NotFound
from autoloop.base.ids import new_id
from autoloop.base.runtime import Runtime
from autoloop.base.services import Service, Services
from autoloop.businesses.formulas import guard
from autoloop.businesses.models import Business, Contact, Export
from autoloop.businesses.services.lists import business_rows, contact_rows
from autoloop.businesses.services.vocabulary import Fields

__all__ = ["Exports", "write_csv"]

BATCH = 2000
BUSINESS_NAMES = (
    "external_id",
    "name",
    "domain",
    "website",
    "email",
    "phone",
    "city",
    "country",
    "timezone",
    "status",
)
CONTACT_NAMES = (
    "email",
    "external_id",
    "first_name",
    "last_name",
    "title",
    "phone",
    "timezone",
    "locale",
    "status",
)


class Exports(Service):
    def rows(self) -> Any:
        return select(Export).where(Export.workspace_id == self.workspace_id)

    def find(self, id: UUID) -> Export | None:
        return self.session.get(Export, (self.workspace_id, id))

    def create(self, kind: str, filters: Mapping[str, Any], *, bom: bool = True) -> Export:
        """Note who takes what. The statement is made once, so that bad filters are refused now."""
        build = contact_rows if kind == "contacts" else business_rows
        build(self.services, filters)
        return self.add(
            Export(
                workspace_id=self.workspace_id,
                id=new_id(),
                kind=kind,
                filters=dict(filters),
                options={"bom": bom},
                user_id=self.services.user_id,
            )
        )


def write_csv(runtime: Runtime, workspace_id: UUID, export_id: UUID) -> Iterator[bytes]:
    """The file, piece by piece. Each piece is a transaction of its own: a slow reader holds no snapshot.

    The headers are those that the import knows, and text that a spreadsheet would run is guarded; so the
    file can be imported again without a change.
    """
    with runtime.unit("web", workspace_id) as services:
        row = _found(services, export_id)
        row.downloaded_at = services.clock.now()
        business = row.kind == "businesses"
        # Columns stay what they are now, whatever fields are made while the file is taken.
        keys = list(services(Fields).types("business" if business else "contact"))
        mark = b"\xef\xbb\xbf" if row.options.get("bom") else b""
    yield mark + _lines([_head(business, keys)])
    last = UUID(int=0)
    while True:
        with runtime.unit("web", workspace_id) as services:
            found = _some(services, _found(services, export_id), last)
        if not found:
            return
        last = found[-1].id
        yield _lines([(_business(each, keys) if business else _contact(each, keys)) for each in found])


def _found(services: Services, id: UUID) -> Export:
    row = services(Exports).find(id)
    if row is None:
        raise NotFound
    return row


def _head(business: bool, keys: list[str]) -> list[str]:
    if business:
        own = [f"business.{name}" for name in (*BUSINESS_NAMES, "tags")]
        return own + [f"business.fields.{key}" for key in keys]
    sets = ("consent", "consent_tracking", "topics", "tags")
    company = ("business.name", "business.domain", "business.external_id")
    return [*CONTACT_NAMES, *sets, *company, *(f"fields.{key}" for key in keys)]


def _some(services: Services, row: Export, last: UUID) -> list[Any]:
    if row.kind == "businesses":
        statement = business_rows(services, row.filters, Business.fields).where(Business.id > last)
        return list(services.session.execute(statement.order_by(Business.id).limit(BATCH)))
    more = (
        Contact.fields,
        Business.domain.label("business_domain"),
        Business.external_id.label("business_external_id"),
    )
    statement = contact_rows(services, row.filters, *more).where(Contact.id > last)
    return list(services.session.execute(statement.order_by(Contact.id).limit(BATCH)))


def _business(row: Any, keys: list[str]) -> list[str]:
    own = [getattr(row, name) for name in BUSINESS_NAMES]
    return [_cell(value) for value in (*own, "; ".join(row.tags), *[row.fields.get(key) for key in keys])]


def _contact(row: Any, keys: list[str]) -> list[str]:
    own = [getattr(row, name) for name in CONTACT_NAMES]
    consent = "" if row.consent_marketing == "unknown" else row.consent_marketing
    company = (row.business_name, row.business_domain, row.business_external_id)
    tracking = "" if row.consent_tracking == "unknown" else row.consent_tracking
    sets = (consent, tracking, "; ".join(row.topics), "; ".join(row.tags))
    return [_cell(value) for value in (*own, *sets, *company, *[row.fields.get(key) for key in keys])]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    # A number is no formula, and with an apostrophe it would be no number.
    return str(value) if isinstance(value, int | float) else guard(str(value))


def _lines(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode("utf-8", "replace")
