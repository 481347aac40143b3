"""Shapes of email templates, in and out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import colander

from autoloop.base.i18n import _
from autoloop.base.lines import one_line, strip
from autoloop.mail.headers import Headers
from autoloop.mail.models import RULES, SOURCE_KINDS
from autoloop.web.input import ListQuery

__all__ = [
    "ChangeTemplate",
    "CreateTemplate",
    "DuplicateTemplate",
    "FileOut",
    "PreviewOut",
    "PreviewTemplate",
    "ProblemsOut",
    "TemplateListQuery",
    "TemplateOut",
    "TemplateRowOut",
    "VersionOut",
    "VersionRowOut",
]

MAX_RULES = 200


def name_of(title: Any, **options: Any) -> colander.SchemaNode:
    """What something is called, in one line."""
    validator = colander.All(colander.Length(1, 200), one_line)
    return colander.SchemaNode(colander.String(), title=title, preparer=strip, validator=validator, **options)


def text(most: int, **options: Any) -> colander.SchemaNode:
    """Text that may be empty, unless its validator says otherwise."""
    least = options.pop("least", 0)
    return colander.SchemaNode(
        colander.String(allow_empty=not least),
        validator=colander.Length(min=least or None, max=most),
        **options,
    )


class FieldRules(colander.SchemaType):
    """{"contact.first_name": {"rule": "fallback", "value": "there"}}; rules: fallback, skip, send."""

    def serialize(self, node: Any, appstruct: Any) -> Any:
        return appstruct

    def deserialize(self, node: Any, cstruct: Any) -> Any:
        if cstruct is colander.null:
            return colander.null
        if not isinstance(cstruct, dict) or len(cstruct) > MAX_RULES:
            raise colander.Invalid(node, _("Send an object of merge field to rule."))
        return {path: self._rule(node, path, given) for path, given in cstruct.items()}

    def _rule(self, node: Any, path: str, given: Any) -> dict[str, str]:
        if not isinstance(given, dict) or given.get("rule") not in RULES or set(given) - {"rule", "value"}:
            raise colander.Invalid(node, _("The rule of a field is one of fallback, skip, send."))
        if given["rule"] != "fallback":
            return {"rule": given["rule"]}
        value = given.get("value")
        if not isinstance(value, str) or not value.strip() or len(value) > 500 or len(path) > 200:
            raise colander.Invalid(node, _("A fallback needs a value of at most 500 characters."))
        return {"rule": "fallback", "value": value}

    def cstruct_children(self, node: Any, cstruct: Any) -> list[Any]:
        return []


class Uuid(colander.String):
    """An id, as text outside and UUID inside."""

    def deserialize(self, node: Any, cstruct: Any) -> Any:
        found = super().deserialize(node, cstruct)
        if found is colander.null or found is None:
            return found
        try:
            return UUID(found)
        except ValueError:
            raise colander.Invalid(node, _("This is no id.")) from None


def written(**options: Any) -> list[colander.SchemaNode]:
    """What a person writes in a template."""
    drop = {"missing": colander.drop} if options.get("partial") else {}
    own = drop or {"missing": ""}
    return [
        colander.SchemaNode(
            colander.String(),
            name="kind",
            validator=colander.OneOf(SOURCE_KINDS),
            title=_("Written in"),
            **(drop or {"missing": "html"}),
        ),
        text(2_000, name="subject", title=_("Subject"), least=1, **drop),
        text(2_000, name="preheader", title=_("Preview line"), **own),
        text(512_000, name="source", title=_("Body"), least=1, **drop),
        text(512_000, name="text_source", title=_("Text version"), **(drop or {"missing": None})),
        colander.SchemaNode(
            FieldRules(), name="field_rules", title=_("Empty fields"), **(drop or {"missing": {}})
        ),
        colander.SchemaNode(Headers(), name="headers", title=_("Extra headers"), **(drop or {"missing": {}})),
    ]


class CreateTemplate(colander.MappingSchema):
    name = name_of(_("Name"))
    topic = text(63, title=_("Topic of its marketing mail"), missing="")
    is_tracked = colander.SchemaNode(
        colander.Boolean(), title=_("Opens and clicks may be recorded"), missing=True
    )

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        for each in written():
            self.add(each)


class ChangeTemplate(colander.MappingSchema):
    name = name_of(_("Name"), missing=colander.drop)
    topic = text(63, title=_("Topic of its marketing mail"), missing=colander.drop)
    is_tracked = colander.SchemaNode(
        colander.Boolean(), title=_("Opens and clicks may be recorded"), missing=colander.drop
    )

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        for each in written(partial=True):
            self.add(each)


class DuplicateTemplate(colander.MappingSchema):
    name = name_of(_("Name"), missing=None)


class PreviewTemplate(colander.MappingSchema):
    """What to preview: what is given here in place of what is saved."""

    contact_id = colander.SchemaNode(
        Uuid(), title=_("Contact"), missing=None, description="A sample person if omitted"
    )

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        for each in written(partial=True):
            self.add(each)


class TemplateListQuery(ListQuery):
    archived = colander.SchemaNode(colander.Boolean(), missing=False, description="Archived ones instead")


def plain(**options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.String(), **options)


def moment(**options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.DateTime(), **options)


class TemplateRowOut(colander.MappingSchema):
    id = plain()
    name = plain()
    subject = plain()
    kind = plain()
    version = colander.SchemaNode(colander.Integer())
    archived_at = moment(missing=None)
    created_at = moment()
    updated_at = moment()


class RulesOut(colander.MappingSchema):
    """By merge field."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.typ = colander.Mapping(unknown="preserve")


class HeadersOut(RulesOut):
    """By name."""


class FileOut(colander.MappingSchema):
    name = plain()
    kind = plain(description="Media type, by the name's ending")
    size = colander.SchemaNode(colander.Integer(), description="In octets")
    hash = plain(description="SHA-256, in hex")
    cid = plain(missing=None, description='What the HTML calls a picture: `<img src="cid:logo.png">`')


class FilesOut(colander.SequenceSchema):
    file = FileOut()


class Places(colander.SequenceSchema):
    place = plain()


class MergeFieldOut(colander.MappingSchema):
    path = plain()
    shown = colander.SchemaNode(colander.Boolean())
    default = colander.SchemaNode(colander.Boolean())
    places = Places()


class MergeFields(colander.SequenceSchema):
    field = MergeFieldOut()


class TemplateOut(TemplateRowOut):
    version_id = plain()
    topic = plain(missing="", description="Key of what its marketing mail is about; empty for none")
    is_tracked = colander.SchemaNode(
        colander.Boolean(), description="May opens and clicks be recorded, if workspace and contact agree?"
    )
    preheader = plain()
    source = plain()
    text_source = plain(missing=None)
    field_rules = RulesOut()
    headers = HeadersOut()
    files = FilesOut()
    fields = MergeFields()


class VersionRowOut(colander.MappingSchema):
    id = plain()
    number = colander.SchemaNode(colander.Integer())
    subject = plain()
    kind = plain()
    created_at = moment()
    created_by = plain(missing=None)
    created_by_name = plain(missing=None)


class VersionOut(colander.MappingSchema):
    id = plain()
    number = colander.SchemaNode(colander.Integer())
    kind = plain()
    subject = plain()
    preheader = plain()
    source = plain()
    text_source = plain(missing=None)
    field_rules = RulesOut()
    headers = HeadersOut()
    files = FilesOut()
    fields = MergeFields()
    created_at = moment()


class ProblemOut(colander.MappingSchema):
    kind = plain()
    field = plain()
    rule = plain()
    message = plain()


class Problems(colander.SequenceSchema):
    problem = ProblemOut()


class ProblemsOut(colander.MappingSchema):
    would_skip = colander.SchemaNode(colander.Boolean())
    problems = Problems()


class PreviewOut(ProblemsOut):
    subject = plain()
    preheader = plain()
    html = plain()
    text = plain()
