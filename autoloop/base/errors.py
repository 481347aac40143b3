"""What can go wrong in a way that a person can act on, and the HTTP status each has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = [
    "AutoLoopError",
    "Conflict",
    "Forbidden",
    "Invalid",
    "MethodNotAllowed",
    "NotFound",
    "PreconditionFailed",
    "TooLarge",
    "TooMany",
    "Unauthenticated",
    "Unavailable",
    "UnsupportedMedia",
    "in_english",
]

Details = Mapping[str, Sequence[str]]


def in_english(message: str) -> str:
    """A message as it was written, its values put in: text stays as it is."""
    interpolate = getattr(message, "interpolate", None)
    return str(interpolate() if interpolate else message)


class AutoLoopError(Exception):
    """An error whose message is meant for people.

    `details` maps a field path ("contact.email") to its messages.
    """

    status = 500
    default_code = "INTERNAL_ERROR"
    default_message = "Something went wrong."

    def __init__(
        self, message: str | None = None, *, code: str | None = None, details: Details | None = None
    ) -> None:
        self.message = message or self.default_message
        self.code = code or self.default_code
        self.details = {field: list(messages) for field, messages in (details or {}).items()}
        super().__init__(self.message)

    def __str__(self) -> str:
        """The message in English, for logs, terminals and doors where nobody's language is known."""
        return in_english(self.message)

    @property
    def english_details(self) -> dict[str, list[str]]:
        return {field: [in_english(each) for each in messages] for field, messages in self.details.items()}


class Invalid(AutoLoopError):
    status = 400
    default_code = "VALIDATION_FAILED"
    default_message = "Some of what was sent cannot be used. See the details."


class Unauthenticated(AutoLoopError):
    status = 401
    default_code = "SIGN_IN_REQUIRED"
    default_message = "Sign in at /auth/sign-in, or send an API key as “Authorization: Bearer <key>”."


class Forbidden(AutoLoopError):
    status = 403
    default_code = "FORBIDDEN"
    default_message = "Your role does not allow this."


class NotFound(AutoLoopError):
    status = 404
    default_code = "NOT_FOUND"
    default_message = "There is nothing here."


class MethodNotAllowed(AutoLoopError):
    status = 405
    default_code = "METHOD_NOT_ALLOWED"
    default_message = "This address does not take that method."


class Conflict(AutoLoopError):
    status = 409
    default_code = "CONFLICT"
    default_message = "This does not fit what is there already."


class PreconditionFailed(AutoLoopError):
    status = 412
    default_code = "CHANGED_MEANWHILE"
    default_message = "Someone changed this after you opened it. Load it again and repeat your change."


class TooLarge(AutoLoopError):
    status = 413
    default_code = "TOO_LARGE"
    default_message = "This is more than can be taken at once."


class UnsupportedMedia(AutoLoopError):
    status = 415
    default_code = "UNSUPPORTED_MEDIA_TYPE"
    default_message = "Send this as application/json."


class TooMany(AutoLoopError):
    """Too many requests; `retry_after` is in seconds."""

    status = 429
    default_code = "TOO_MANY_REQUESTS"
    default_message = "That was too often. Wait a little and try again."

    def __init__(self, message: str | None = None, *, retry_after: int = 60, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class Unavailable(AutoLoopError):
    status = 503
    default_code = "UNAVAILABLE"
    default_message = "A part that this needs does not answer right now. Try again shortly."
