"""What forms let one choose of businesses and contacts: segments, tags, custom fields."""

from __future__ import annotations

from collections.abc import Collection

from autoloop.base.choices import MOST, Choice, rows_to_choose
from autoloop.base.services import Services
from autoloop.businesses.models import FieldDefinition, Segment, Topic
from autoloop.businesses.services.vocabulary import Fields, Tags, Topics

__all__ = ["LOADERS"]


def segments(services: Services, q: str, keep: Collection[str]) -> list[Choice]:
    return rows_to_choose(services, Segment, Segment.name, q, keep)


def tags(services: Services, q: str, keep: Collection[str]) -> list[Choice]:
    names = [name for name in services(Tags).names() if q.casefold() in name.casefold()]
    return [Choice(name, name) for name in names[:MOST]]


def contact_fields(services: Services, q: str, keep: Collection[str]) -> list[Choice]:
    """Custom fields of contacts; the note is their kind."""
    return _custom(services, "contact")


def business_fields(services: Services, q: str, keep: Collection[str]) -> list[Choice]:
    """Custom fields of businesses; the note is their kind."""
    return _custom(services, "business")


def _custom(services: Services, target: str) -> list[Choice]:
    rows = services(Fields).rows().where(FieldDefinition.target == target).order_by(FieldDefinition.position)
    return [Choice(f"fields.{row.key}", row.title, row.kind) for row in services.session.scalars(rows)]


def topics(services: Services, q: str, keep: Collection[str]) -> list[Choice]:
    """Topics by their key."""
    rows = services.session.scalars(services(Topics).rows().order_by(Topic.name, Topic.key))
    found = [
        Choice(row.key, row.name) for row in rows if q.casefold() in row.name.casefold() or row.key in keep
    ]
    return found[:MOST]


LOADERS = {
    "segment_choices": segments,
    "tag_choices": tags,
    "topic_choices": topics,
    "contact_field_choices": contact_fields,
    "business_field_choices": business_fields,
}
