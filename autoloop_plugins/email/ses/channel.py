"""Sending through SESv2. boto3 writes and signs the request; it leaves through the client we are lent."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from autoloop.plugins.email import Account, Fate, Message, ProviderServices, Reply
from autoloop_plugins.email.over_http import HttpChannel
from autoloop_plugins.email.ses.answers import of_error
from autoloop_plugins.email.ses.events import TAG

__all__ = ["SesChannel", "client_of"]

SECONDS = 30.0
# boto3 sessions are costly and not made for being made side by side.
_making = threading.Lock()


class _Raw:
    """A body that is there already, as botocore reads it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._body


def client_of(config: Mapping[str, Any], http: httpx.Client, seconds: float) -> Any:
    """A boto3 client of SESv2 that tries once, and whose every request goes out through `http`."""
    import boto3
    from botocore.awsrequest import AWSResponse
    from botocore.config import Config

    # Tries of botocore's own could send a message twice: which failure may be tried again is ours to say.
    options = Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        ignore_configured_endpoint_urls=True,
        parameter_validation=True,
    )
    with _making:
        session = boto3.session.Session(
            aws_access_key_id=config["access_key_id"],
            aws_secret_access_key=config["secret_access_key"],
            region_name=config["region"],
        )
        client = session.client("sesv2", config=options, endpoint_url=config["endpoint"] or None)

    def send(request: Any, **_: Any) -> Any:
        answer = http.request(
            request.method,
            request.url,
            content=request.body,
            headers=[(name, _text(value)) for name, value in request.headers.items()],
            timeout=seconds,
        )
        return AWSResponse(request.url, answer.status_code, dict(answer.headers), _Raw(answer.content))

    client.meta.events.register("before-send.sesv2.*", send)
    return client


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


class SesChannel(HttpChannel):
    """One account of SES."""

    def __init__(self, account: Account, services: ProviderServices) -> None:
        super().__init__(services)
        self._config = account.config
        self._client: Any = None

    def deliver(self, message: Message) -> Reply:
        from botocore.exceptions import ClientError

        if self._client is None:
            self._client = client_of(self._config, self.http, SECONDS)
        asked: dict[str, Any] = {
            "FromEmailAddress": message.sender,
            "Destination": {"ToAddresses": [message.recipient]},
            "Content": {"Raw": {"Data": message.data}},
            "EmailTags": [{"Name": TAG, "Value": message.key}],
        }
        if self._config["configuration_set"]:
            asked["ConfigurationSetName"] = self._config["configuration_set"]
        try:
            answer = self._client.send_email(**asked)
        except ClientError as error:
            return of_error(error.response)
        return Reply(Fate.ACCEPTED, 200, "Taken by SES", provider_id=answer.get("MessageId"))
