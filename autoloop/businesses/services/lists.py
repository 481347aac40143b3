"""Lists of businesses and contacts: one statement each for both doors and for exports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, cast, func, null, select
from sqlalchemy.dialects.postgresql import JSONB

from autoloop.base.errors import Invalid
from autoloop.base.services import Services
from autoloop.businesses.addresses import BadAddress, normal_email
from autoloop.businesses.conditions_sql import compile_set, read_condition
from autoloop.businesses.models import Business, Contact, SegmentMember
from autoloop.businesses.services.vocabulary import Fields

__all__ = ["BUSINESS_ORDERS", "CONTACT_ORDERS", "business_rows", "contact_rows"]

B, C = Business, Contact

# Ids are made in the order of time, so that the primary key serves "created_at" too.
BUSINESS_ORDERS = {"created_at": B.id, "name": B.name}
CONTACT_ORDERS = {"created_at": C.id, "email": C.email_normal, "name": C.last_name}

BUSINESS_COLUMNS = (
    B.id,
    B.name,
    B.domain,
    B.external_id,
    B.email,
    B.phone,
    B.website,
    B.city,
    B.country,
    B.timezone,
    B.status,
    B.tags,
    B.created_at,
    B.updated_at,
)
CONTACT_COLUMNS = (
    C.id,
    C.email,
    C.external_id,
    C.first_name,
    C.last_name,
    C.title,
    C.phone,
    C.timezone,
    C.locale,
    C.status,
    C.business_id,
    B.name.label("business_name"),
    C.consent_marketing,
    C.consent_tracking,
    C.consent_source,
    C.consent_at,
    C.tags,
    C.topics,
    C.created_at,
    C.updated_at,
)


def business_rows(services: Services, filters: Mapping[str, Any], *more: Any) -> Select[Any]:
    """Businesses that match: q, status, tag, country, field. Raises Invalid for a field there is not."""
    statement = select(*BUSINESS_COLUMNS, *more).where(B.workspace_id == services.workspace_id)
    for name in ("status", "country"):
        if filters.get(name):
            statement = statement.where(getattr(B, name) == filters[name])
    words, held = _words(filters), _held(services, "business", filters)
    if words or held is not None or filters.get("tag"):
        found = func.autoloop_match_businesses(words, filters.get("tag") or None, _json(held))
        statement = statement.where(B.id.in_(select(found)))
    return statement


def contact_rows(services: Services, filters: Mapping[str, Any], *more: Any) -> Select[Any]:
    """Contacts that match: q, status, consent, tag, topic, business, email, external_id, field, segment (its
    id), filter (a condition as JSON text). Raises Invalid."""
    statement = (
        select(*CONTACT_COLUMNS, *more)
        .outerjoin(B, and_(B.workspace_id == C.workspace_id, B.id == C.business_id))
        .where(C.workspace_id == services.workspace_id)
    )
    if filters.get("status"):
        statement = statement.where(C.status == filters["status"])
    if filters.get("consent"):
        statement = statement.where(C.consent_marketing == filters["consent"])
    if filters.get("business"):
        statement = statement.where(C.business_id == UUID(str(filters["business"])))
    if filters.get("external_id"):
        statement = statement.where(C.external_id == filters["external_id"])
    if filters.get("email"):
        try:
            statement = statement.where(C.email_normal == normal_email(filters["email"])[1])
        except BadAddress as error:
            raise Invalid(details={"email": [str(error)]}) from None
    if filters.get("segment"):
        statement = statement.where(C.id.in_(_members(services, UUID(str(filters["segment"])))))
    if filters.get("filter"):
        statement = statement.where(_asked(services, filters["filter"]))
    words, held = _words(filters), _held(services, "contact", filters)
    tag, topic = filters.get("tag") or None, filters.get("topic") or None
    if words or held is not None or tag or topic:
        found = func.autoloop_match_contacts(words, tag, _json(held), topic)
        statement = statement.where(C.id.in_(select(found)))
    return statement


def _members(services: Services, segment: UUID) -> Select[Any]:
    mine = select(SegmentMember.contact_id).where(SegmentMember.workspace_id == services.workspace_id)
    return mine.where(SegmentMember.segment_id == segment, SegmentMember.is_member)


def _asked(services: Services, given: str) -> Any:
    try:
        spec = json.loads(given)
    except (ValueError, RecursionError):
        raise Invalid(details={"filter": ["Write a condition as JSON."]}) from None
    return compile_set(read_condition(spec, "filter"), services.clock.now()).matches


def _words(filters: Mapping[str, Any]) -> str | None:
    """The search words; None if there is nothing but punctuation, which would match nothing."""
    given = filters.get("q") or ""
    return given if any(char.isalnum() for char in given) else None


def _held(services: Services, target: str, filters: Mapping[str, Any]) -> dict[str, Any] | None:
    """What `field=plan:pro` asks for, as JSON of the field's kind."""
    given = filters.get("field")
    if not given:
        return None
    key, colon, value = given.partition(":")
    types = services(Fields).types(target)
    if not colon or key not in types:
        raise Invalid(details={"field": ["Write it as key:value, with the key of a custom field."]})
    try:
        return {key: types[key](value)}
    except ValueError as error:
        raise Invalid(details={"field": [str(error)]}) from None


def _json(held: dict[str, Any] | None) -> Any:
    return null() if held is None else cast(held, JSONB)
