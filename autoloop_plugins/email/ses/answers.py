"""What Amazon SES answers, as fates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autoloop.plugins.email import Fate, Reply
from autoloop_plugins.email.answers import read_wait

__all__ = ["of_error"]

# SESv2's own errors and those of all AWS services, by what they mean for the message. Everything that is
# not named here and not a 4xx may have been taken: AWS answers 500 also after the work was done.
SLOWER = frozenset(
    {
        "TooManyRequestsException",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "SlowDown",
    }
)
OF_ACCOUNT = frozenset(
    {
        "AccountSuspendedException",
        "SendingPausedException",
        "MailFromDomainNotVerifiedException",
        "LimitExceededException",
        "NotFoundException",  # the configuration set
        "AccessDenied",
        "AccessDeniedException",
        "NotAuthorized",
        "OptInRequired",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
    }
)
SHORTLY, LATER = 1.0, 3600.0


def of_error(response: Mapping[str, Any]) -> Reply:
    """The fate behind a botocore ClientError's `response`."""
    error, meta = response.get("Error", {}), response.get("ResponseMetadata", {})
    name, text = str(error.get("Code", "")), str(error.get("Message", ""))[:500]
    status = int(meta.get("HTTPStatusCode", 0)) or None
    said = f"{name}: {text}" if text else name
    if name in SLOWER or status == 429:
        daily = "daily" in text.lower()
        wait = read_wait(str(meta.get("HTTPHeaders", {}).get("retry-after", ""))) or (
            LATER if daily else SHORTLY
        )
        return Reply(Fate.TEMPORARY, status, said, of_account=True, retry_after=wait)
    # An identity that is not verified is a matter of the account, in whatever error it comes.
    if name in OF_ACCOUNT or status in (401, 403) or "not verified" in text.lower():
        return Reply(Fate.TEMPORARY, status, said, of_account=True)
    if status is not None and 400 <= status < 500:
        return Reply(Fate.PERMANENT, status, said)
    return Reply(Fate.UNKNOWN, status, said)
