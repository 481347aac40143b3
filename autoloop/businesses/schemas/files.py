"""Shapes of imports and exports."""

from __future__ import annotations

import colander

from autoloop.base.i18n import _
from autoloop.businesses.models import CONSENTS
from autoloop.businesses.models.exports import EXPORT_KINDS
from autoloop.businesses.schemas.nodes import Words, choice, flag, mapping, moment, number, text

__all__ = ["ExportIn", "ExportOut", "ImportOut", "ImportQuery", "MappingIn", "PreviewOut"]


def _texts(given: dict[str, object]) -> bool | str:
    if len(given) > 500 or not all(isinstance(value, str) for value in given.values()):
        return "must map names of columns to targets, which are text"
    return True


class Options(colander.MappingSchema):
    """What holds for the import as a whole."""

    quiet = flag(_("Tell no events: start no workflows"), missing=colander.drop)
    update_existing = flag(_("Change what is there already"), missing=colander.drop)
    empty = choice(_("Empty cells"), ("keep", "clear"), missing=colander.drop)
    consent = choice(_("Marketing consent of new contacts"), CONSENTS, missing=colander.drop)
    tags = Words(title=_("Tags for every contact"), validator=colander.Length(max=20), missing=colander.drop)


class MappingIn(colander.MappingSchema):
    """What each column becomes: its name → "email", "business.name", "fields.plan" …; "" to leave it out."""

    mapping = mapping(_("Column → target"), validator=colander.Function(_texts))
    options = Options(title=_("Options"), missing=colander.drop)


class ImportQuery(colander.MappingSchema):
    """How to read a file that is sent as the body itself."""

    file_name = text(_("Name of the file"), 300, missing="import.csv")
    encoding = text(_("Encoding, if the guess is wrong"), 40, missing=None)
    delimiter = text(_("Delimiter, if the guess is wrong"), 3, missing=None)


class Counts(colander.MappingSchema):
    created = number("Records made")
    updated = number("Records changed")
    unchanged = number("Records that were so already")
    rejected = number("Rows not taken")
    repeated = number("Rows that say more of a record of another row")
    businesses_created = number("Businesses made")
    businesses_updated = number("Businesses changed")


class OptionsOut(colander.MappingSchema):
    quiet = flag("No events are told")
    update_existing = flag("Records there already are changed")
    empty = text("What empty cells do")
    consent = text("Consent of new contacts")
    tags = Words(title="Tags for every contact")


class ImportOut(colander.MappingSchema):
    id = text("Id")
    file_name = text("Name of the file")
    status = text("ready, running, completed, failed or cancelled")
    problem = text("What is wrong, for people; empty if nothing")
    columns = Words(title="The file's columns")
    mapping = mapping("Column → target")
    options = OptionsOut(title="Options")
    delimiter = text("Delimiter")
    encoding = text("Encoding")
    bytes_total = number("Size of the file")
    bytes_done = number("Bytes read")
    rows_total = number("Rows; an estimate until the end")
    rows_done = number("Rows read")
    rows_per_second = number("Rows read per second", missing=None)
    counts = Counts(title="What became of the rows")
    created_at = moment("Uploaded")
    updated_at = moment("Changed")
    started_at = moment("Started", missing=None)
    finished_at = moment("Ended", missing=None)


class Sample(colander.MappingSchema):
    line = number("Line of the file")
    outcome = text("created, updated, unchanged or rejected")
    contact = mapping("The contact as it would be given")
    business = mapping("The business as it would be given")


class Samples(colander.SequenceSchema):
    sample = Sample()


class RejectOut(colander.MappingSchema):
    line = number("Line of the file")
    reason = text("Why it is not taken")
    cells = Words(title="The row")


class Rejects(colander.SequenceSchema):
    reject = RejectOut()


class NewField(colander.MappingSchema):
    target = text("Where its values go")
    column = text("The column it is made for")
    kind = text("Its kind, by its values")


class NewFields(colander.SequenceSchema):
    field = NewField()


class PreviewOut(colander.MappingSchema):
    """What the import would do."""

    rows = number("Rows tried")
    whole = flag("Are these all rows of the file?")
    counts = Counts(title="What would become of them")
    samples = Samples(title="Some rows")
    rejects = Rejects(title="Some rows that would not be taken")
    new_fields = NewFields(title="Custom fields that would be made")


class ExportIn(colander.MappingSchema):
    """What to export. Filters as in the list."""

    kind = choice(_("What"), EXPORT_KINDS)
    filters = mapping(_("Filters"), missing=colander.drop)
    bom = flag(_("Begin with a byte-order mark, for Excel"), missing=True)


class ExportOut(colander.MappingSchema):
    id = text("Id")
    kind = text("contacts or businesses")
    filters = mapping("Filters")
    created_at = moment("Asked for")
    downloaded_at = moment("Last downloaded", missing=None)
    file = text("Where the file is")
