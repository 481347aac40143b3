"""Shapes of workflows' documents on their way out and in."""

from __future__ import annotations

import colander

from autoloop.workflows.embedded import MODES
from autoloop.workflows.schemas import WorkflowOut, flag, free, several, word

__all__ = ["CarriedOut", "ExportQuery", "Import", "Imported", "MissingOut"]


class MissingOut(colander.MappingSchema):
    """What a document names and that is not here; `name` is null if it does not say."""

    kind = word()
    id = word()
    name = word(missing=None)
    node = word(missing=None)
    field = word()


class CarriedOut(colander.MappingSchema):
    """What became of a template in a document: kept (this workspace's own), mapped (one of that name is here
    and says the same), mapped_other (it says something else), ambiguous (several have the name), or made.
    `here` is its id now; `left_out` names what did not come along: topic, and `file NAME` for each file whose octets the document lacks."""

    id = word()
    name = word()
    how = word()
    here = word(missing=None)
    left_out = several(word())


class Imported(WorkflowOut):
    missing = several(MissingOut())
    templates = several(CarriedOut())


class Import(colander.MappingSchema):
    """An exported document. `use` replaces ids in it, of templates and senders, by those of this workspace.

    `templates` says what becomes of a template in it whose name is taken: map (the one here is used), both (the
    new one gets another name), none (no template is made).
    """

    workflow = free()
    use = free(missing=None)
    templates = colander.SchemaNode(colander.String(), validator=colander.OneOf(MODES), missing="map")


class ExportQuery(colander.MappingSchema):
    templates = flag(missing=True, description="Whether the templates that its steps send come along")
