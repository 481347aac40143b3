"""Amazon SES: through the SESv2 API, with what became of the mail coming back through SNS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import colander

from autoloop.plugins.email import Account, EmailProvider, Idempotency, ProviderServices
from autoloop.plugins.email_events import IncomingCall, ProviderEvent
from autoloop_plugins.email.ses.channel import SesChannel
from autoloop_plugins.email.ses.receiving import receive
from autoloop_plugins.email.ses.sns import TOPIC

__all__ = ["SesProvider"]


class SesProvider(EmailProvider):
    """Amazon SES. An event that comes back names the email by a tag."""

    name: ClassVar[str] = "ses"
    title: ClassVar[str] = "Amazon SES"
    idempotency: ClassVar[Idempotency] = Idempotency.EVENTS

    class Config(colander.MappingSchema):
        region = colander.SchemaNode(
            colander.String(),
            title="Region",
            validator=colander.Regex(r"[a-z]{2}(-[a-z]{1,12}){1,2}-\d{1,2}\Z"),
            description="Where SES is set up, like eu-west-1.",
        )
        access_key_id = colander.SchemaNode(
            colander.String(), title="Access key ID", validator=colander.Regex(r"[A-Za-z0-9]{4,128}\Z")
        )
        secret_access_key = colander.SchemaNode(
            colander.String(), title="Secret access key", validator=colander.Length(1, 200), secret=True
        )
        configuration_set = colander.SchemaNode(
            colander.String(),
            title="Configuration set",
            missing="",
            validator=colander.Regex(r"[A-Za-z0-9_-]{1,64}\Z"),
            description="The one whose events go to the SNS topic.",
        )
        topic_arn = colander.SchemaNode(
            colander.String(),
            title="SNS topic",
            missing="",
            validator=colander.Regex(TOPIC),
            description="Its ARN. Only signed messages of this topic are taken; without it, none are.",
        )
        endpoint = colander.SchemaNode(
            colander.String(),
            title="Endpoint",
            missing="",
            validator=colander.Regex(r"https?://[^\s/?#@]{1,250}\Z"),
            description="Only where SES is reached through an address of your own, such as a VPC endpoint.",
        )

    def open(self, account: Account, services: ProviderServices) -> SesChannel:
        return SesChannel(account, services)

    def takes_events(self, account: Account) -> bool:
        return bool(account.config["topic_arn"])

    def receive(
        self, account: Account, services: ProviderServices, call: IncomingCall
    ) -> Sequence[ProviderEvent]:
        assert services.http is not None
        return receive(account.config["topic_arn"], services.http, call)
