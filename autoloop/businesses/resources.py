"""Places of businesses, contacts and what goes with them in the tree."""

from __future__ import annotations

from typing import Any

from autoloop.businesses import services
from autoloop.businesses.services.exports import Exports as ExportService
from autoloop.businesses.services.imports import Imports as ImportService
from autoloop.businesses.services.segments import Segments as SegmentService
from autoloop.web.tree import Collection, Row

__all__ = [
    "Business",
    "Businesses",
    "Contact",
    "Contacts",
    "Export",
    "Exports",
    "Field",
    "Fields",
    "Import",
    "Imports",
    "Segment",
    "SegmentContact",
    "SegmentContacts",
    "Segments",
    "Tag",
    "Tags",
    "Topic",
    "Topics",
]


class Business(Row):
    """A company."""

    def load(self) -> Any | None:
        return self.request.services(services.Businesses).find(self.id)


class Businesses(Collection):
    """The companies of the workspace."""

    row_node = Business


class Contact(Row):
    """A person. The id of a merged one leads to the one that it became."""

    def load(self) -> Any | None:
        return self.request.services(services.Contacts).find(self.id)


class Contacts(Collection):
    """The people of the workspace."""

    row_node = Contact


class Field(Row):
    """A custom field."""

    def load(self) -> Any | None:
        return self.request.services(services.Fields).find(self.id)


class Fields(Collection):
    """The custom fields of contacts and businesses."""

    row_node = Field


class Tag(Row):
    """A tag."""

    def load(self) -> Any | None:
        return self.request.services(services.Tags).find(self.id)


class Tags(Collection):
    """The tags of the workspace."""

    row_node = Tag


class Topic(Row):
    """Something to subscribe to."""

    def load(self) -> Any | None:
        return self.request.services(services.Topics).find(self.id)


class Topics(Collection):
    """What contacts may subscribe to."""

    row_node = Topic


class Import(Row):
    """A file on its way in."""

    def load(self) -> Any | None:
        return self.request.services(ImportService).find(self.id)


class Imports(Collection):
    """Files that came in, or are on their way."""

    row_node = Import


class Export(Row):
    """A file on its way out."""

    def load(self) -> Any | None:
        return self.request.services(ExportService).find(self.id)


class Exports(Collection):
    """Who took which records out."""

    row_node = Export


class Segment(Row):
    """A saved filter."""

    def load(self) -> Any | None:
        return self.request.services(SegmentService).find(self.id)


class Segments(Collection):
    """The saved filters of the workspace."""

    row_node = Segment


class SegmentContact(Row):
    """A contact, as a segment sees it: a member or not."""

    def load(self) -> Any | None:
        self.segment  # noqa: B018 - a segment that is not there has no contacts
        return self.request.services(services.Contacts).find(self.id)

    @property
    def segment(self) -> Any:
        return self.__parent__.__parent__.row


class SegmentContacts(Collection):
    """The members of a segment."""

    row_node = SegmentContact
