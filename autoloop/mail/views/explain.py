"""JSON: why an email was sent, was not, or is not yet."""

from __future__ import annotations

from typing import Any

import colander
from pyramid.request import Request

from autoloop.engine.explain import translated
from autoloop.mail.resources import Email
from autoloop.mail.services.explaining import explain_email
from autoloop.web import api_view
from autoloop.web.permissions import Permission


def _word(**more: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.String(), **more)


class EmailTold(colander.MappingSchema):
    """`until` is when a held email is looked at again; `open` says that its fate is not known yet."""

    email_id = _word()
    sentence = _word()
    because = colander.SchemaNode(colander.Sequence(), _word())
    kind = _word()
    status = _word()
    reason = _word(missing=None)
    hold_reason = _word(missing=None)
    until = _word(missing=None)
    open = colander.SchemaNode(colander.Boolean())
    node = _word(missing=None)
    visit = colander.SchemaNode(colander.Integer(), missing=None)


@api_view(context=Email, name="explain", permission=Permission.READ, out=EmailTold)
def explain(context: Email, request: Request) -> Any:
    """Why this email was sent, was not, or is not yet."""
    return translated(explain_email(context.row), request.localizer.translate)
