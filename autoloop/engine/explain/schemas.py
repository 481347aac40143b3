"""Shapes of explanations."""

from __future__ import annotations

from typing import Any

import colander

__all__ = ["ContactTold", "RunTold", "WhichWorkflow"]


def _word(**more: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.String(), **more)


def _free(**more: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.Mapping(unknown="preserve"), **more)


def _several(**more: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.Sequence(), _free(), **more)


class RunTold(colander.MappingSchema):  # type: ignore[misc]
    """`sentences` tell it in order; the rest is what they are made from, each part with its `sentence`.

    `enrolment` says why it began; `steps` why each took its port (`because`); `waits` what it waits for and
    until when; `held` why it is paused, blocked or set aside; `emails` why each was sent, or not, or not yet.
    """

    run_id = _word()
    workflow_id = _word()
    contact_id = _word(missing=None)
    status = _word()
    sentences = colander.SchemaNode(colander.Sequence(), _word())
    enrolment = _free()
    steps = _several()
    waits = _several()
    held = _free(missing=None)
    end = _free(missing=None)
    emails = _several()


class WhichWorkflow(colander.MappingSchema):  # type: ignore[misc]
    workflow = colander.SchemaNode(
        colander.String(), missing=None, validator=colander.Length(1, 36), description="Only of this workflow"
    )


class ContactTold(colander.MappingSchema):  # type: ignore[misc]
    """For each workflow: `state` is in, was or never; `because` why; `triggers` what each was compared with.

    `mail` says whether the contact would get marketing and transactional mail.
    """

    contact_id = _word()
    workflows = _several()
    mail = _several()
