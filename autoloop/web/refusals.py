"""Errors in the person's language, and forms that are shown again with theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, overload

from pyramid.i18n import TranslationString
from pyramid.request import Request

from autoloop.base.errors import AutoLoopError

__all__ = ["Told", "refuse", "told"]


@dataclass(frozen=True)
class Told:
    """An error in the person's language."""

    status: int
    message: str
    details: dict[str, list[str]]


@overload
def told(request: Request, error: AutoLoopError) -> Told: ...
@overload
def told(request: Request, error: AutoLoopError | None) -> Told | None: ...
def told(request: Request, error: AutoLoopError | None) -> Told | None:
    """The error with every message translated, for a template or a door; None for none."""
    if error is None:
        return None

    def words(message: Any) -> str:
        # Only what is marked asks for the person's language: for the rest no database need be there.
        return (
            str(request.localizer.translate(message))
            if isinstance(message, TranslationString)
            else str(message)
        )

    details = {field: [words(each) for each in messages] for field, messages in error.details.items()}
    return Told(error.status, words(error.message), details)


@overload
def refuse(request: Request, error: AutoLoopError) -> Told: ...
@overload
def refuse(request: Request, error: AutoLoopError | None) -> Told | None: ...
def refuse(request: Request, error: AutoLoopError | None) -> Told | None:
    """Answer a form that is shown again with the error's status; what its template shows beside it.

    What is wrong with the fields is 422, and so is a wrong password: 401 asks a client for credentials in a
    header (RFC 9110, 15.5.2), which no form is.
    """
    if error is not None:
        request.response.status = 422 if error.status in (400, 401) else error.status
    return told(request, error)
