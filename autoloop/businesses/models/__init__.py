"""Tables of businesses, their contacts, and what comes in and goes out as files."""

from autoloop.businesses.models.businesses import BUSINESS_STATUSES, Business
from autoloop.businesses.models.consents import SAID_ABOUT, ConsentChange
from autoloop.businesses.models.contacts import (
    CONSENTS,
    CONTACT_STATUSES,
    Contact,
    ContactAlias,
)
from autoloop.businesses.models.exports import Export
from autoloop.businesses.models.imports import (
    IMPORT_STATUSES,
    IMPORT_TRANSITIONS,
    Import,
    ImportChunk,
    ImportReject,
)
from autoloop.businesses.models.segments import (
    SEGMENT_STATUSES,
    Segment,
    SegmentChange,
    SegmentMember,
)
from autoloop.businesses.models.vocabulary import (
    FIELD_KINDS,
    FIELD_TARGETS,
    FieldDefinition,
    Tag,
    Topic,
)

__all__ = [
    "BUSINESS_STATUSES",
    "CONSENTS",
    "CONTACT_STATUSES",
    "FIELD_KINDS",
    "FIELD_TARGETS",
    "IMPORT_STATUSES",
    "IMPORT_TRANSITIONS",
    "SAID_ABOUT",
    "SEGMENT_STATUSES",
    "Business",
    "ConsentChange",
    "Contact",
    "ContactAlias",
    "Export",
    "FieldDefinition",
    "Import",
    "ImportChunk",
    "ImportReject",
    "Segment",
    "SegmentChange",
    "SegmentMember",
    "Tag",
    "Topic",
]
