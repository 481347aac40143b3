"""Shapes of suppressions, the workspace's and the installation's."""

from __future__ import annotations

import colander

from autoloop.base.i18n import _
from autoloop.mail.models import REASONS
from autoloop.mail.schemas.nodes import line, moment, one_of, text
from autoloop.web.input import ListQuery

__all__ = [
    "AddSuppression",
    "InstanceSuppressionOut",
    "SuppressionOut",
    "SuppressionsImportOut",
    "SuppressionsQuery",
]


class SuppressionsQuery(ListQuery):
    reason = one_of(_("Reason"), REASONS, missing=None)


class AddSuppression(colander.MappingSchema):
    address = text(_("Address"), 320)
    note = line(_("Note"), 500, least=0, missing="")


class SuppressionOut(colander.MappingSchema):
    id = text("Id")
    address = text("Address; empty once it was erased", 320, missing=None)
    reason = text("Why")
    note = text("Note", 500)
    email_id = text("The email it came from", missing=None)
    created_at = moment("Since")


class InstanceSuppressionOut(colander.MappingSchema):
    id = text("Id")
    address = text("Address, or domain as @example.org", 320, missing=None)
    note = text("Note", 500)
    created_at = moment("Since")


class SuppressionRejectOut(colander.MappingSchema):
    line = colander.SchemaNode(colander.Integer(), title="Line of the file")
    value = text("What stood there")
    message = text("What is wrong with it", 500)


class SuppressionRejectsOut(colander.SequenceSchema):
    reject = SuppressionRejectOut()


class SuppressionsImportOut(colander.MappingSchema):
    read = colander.SchemaNode(colander.Integer(), title="Lines read")
    added = colander.SchemaNode(colander.Integer(), title="New on the list")
    known = colander.SchemaNode(colander.Integer(), title="There before, or twice in the file")
    rejects = colander.SchemaNode(colander.Integer(), title="Lines that could not be used")
    rejected = SuppressionRejectsOut(title="The first 100 of these")
