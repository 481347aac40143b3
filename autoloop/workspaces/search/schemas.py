"""What the search takes and gives."""

from __future__ import annotations

import colander

from autoloop.workspaces.search.services import LEAST

__all__ = ["Query", "SearchOut"]


class Query(colander.MappingSchema):
    q = colander.SchemaNode(
        colander.String(),
        validator=colander.Length(LEAST, 200),
        description="Search words, two letters or digits at least",
    )
    limit = colander.SchemaNode(
        colander.Integer(),
        missing=5,
        validator=colander.Range(1, 50),
        description="Hits of each kind, at the most",
    )


class HitOut(colander.MappingSchema):
    kind = colander.SchemaNode(
        colander.String(), description="The collection it is in: contacts, workflows, …"
    )
    id = colander.SchemaNode(colander.String())
    title = colander.SchemaNode(colander.String())
    note = colander.SchemaNode(colander.String())
    url = colander.SchemaNode(colander.String(), description="Its page")


class Hits(colander.SequenceSchema):
    hit = HitOut()


class SearchOut(colander.MappingSchema):
    hits = Hits()
