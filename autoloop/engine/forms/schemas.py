"""Shapes of forms, in and out of the JSON door."""

from __future__ import annotations

import colander

from autoloop.engine.forms.services import KINDS
from autoloop.engine.schemas import flag, moment, whole, word

__all__ = ["ChangeForm", "CreateForm", "FormOut"]


def words(most: int) -> colander.SchemaNode:
    return word(missing=colander.drop, validator=colander.Length(max=most))


class FormField(colander.MappingSchema):
    """`name` is email, first_name, last_name, title, phone, external_id, or fields.key."""

    name = word(validator=colander.Length(1, 71))
    label = word(validator=colander.Length(1, 200))
    kind = word(validator=colander.OneOf(KINDS), missing="text")
    required = flag(missing=False)
    choices = colander.SchemaNode(
        colander.Sequence(),
        colander.SchemaNode(colander.String(), validator=colander.Length(1, 200)),
        missing=(),
        validator=colander.Length(max=100),
    )


class FormFields(colander.SequenceSchema):
    field = FormField()


class FormShape(colander.MappingSchema):
    is_active = flag(missing=colander.drop)
    title = words(200)
    fields = FormFields(missing=colander.drop, validator=colander.Length(max=30))
    button = words(60)
    consent_text = words(1000)
    tracking_text = words(1000)
    thanks = words(1000)
    redirect_url = colander.SchemaNode(
        colander.String(allow_empty=True), missing=colander.drop, validator=colander.Length(max=2000)
    )
    origins = colander.SchemaNode(
        colander.Sequence(),
        colander.SchemaNode(colander.String(), validator=colander.Length(1, 300)),
        missing=colander.drop,
        description="Sites that may show or send it: https://www.example.com",
    )
    per_minute = whole(
        missing=colander.drop, validator=colander.Range(1, 1000), description="From one address, a minute"
    )


class CreateForm(FormShape):
    name = word(validator=colander.Length(1, 120))


class ChangeForm(FormShape):
    name = word(missing=colander.drop, validator=colander.Length(1, 120))


class FormOut(colander.MappingSchema):
    id = word()
    name = word()
    is_active = flag()
    url = word(description="Where everybody finds it")
    title = word()
    fields = colander.SchemaNode(
        colander.Sequence(), colander.SchemaNode(colander.Mapping(unknown="preserve"))
    )
    button = word()
    consent_text = word(description="Beside a box; ticked, marketing mail is allowed. Empty for none")
    tracking_text = word(description="Beside a box; ticked, opens and clicks may be recorded. Empty for none")
    thanks = word()
    redirect_url = word(missing=None)
    origins = colander.SchemaNode(colander.Sequence(), word())
    per_minute = whole()
    created_at = moment()
    updated_at = moment()
