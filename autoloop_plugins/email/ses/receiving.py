"""Taking a call from SNS: verified, a subscription confirmed, events read."""

from __future__ import annotations

from collections.abc import Sequence

import httpx

from autoloop.plugins.email_events import IncomingCall, ProviderEvent, Unreadable, Unverified, read_json
from autoloop_plugins.email.ses.events import events_of
from autoloop_plugins.email.ses.sns import Certificates, confirmation_url, verify

__all__ = ["receive"]

SECONDS = 5.0
_certificates = Certificates()


def receive(topic: str, http: httpx.Client, call: IncomingCall) -> Sequence[ProviderEvent]:
    """The events of one call. A SubscriptionConfirmation is answered by visiting its address."""

    def fetch(url: str) -> bytes:
        try:
            answer = http.get(url, timeout=SECONDS)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unverified(f"the certificate cannot be fetched: {type(error).__name__}") from None
        if answer.status_code != 200:
            raise Unverified(f"the certificate cannot be fetched: {answer.status_code}")
        return answer.content

    given = read_json(call.body)
    if not isinstance(given, dict):
        raise Unreadable("The body is no message of SNS.")
    fields = verify(given, topic, _certificates, fetch, call.now)
    if fields["Type"] == "SubscriptionConfirmation":
        _confirm(http, confirmation_url(fields, topic))
        return ()
    if fields["Type"] != "Notification":
        return ()
    try:
        told = read_json(fields["Message"].encode())
    except Unreadable:
        return ()  # SNS's own greeting, or somebody's text on the topic
    return tuple(events_of(told, fields["MessageId"]))


def _confirm(http: httpx.Client, url: str) -> None:
    try:
        answer = http.get(url, timeout=SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unreadable(f"The subscription cannot be confirmed: {type(error).__name__}") from None
    if answer.status_code != 200:
        raise Unreadable(f"The subscription cannot be confirmed: {answer.status_code}")
