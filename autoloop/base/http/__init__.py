"""The one way out over HTTP: every address is checked and pinned, every answer bounded.

Whatever a person of a workspace writes as an address goes through here: steps, webhooks, hooks of
providers. Nothing else in AutoLoop opens a connection to a host that a tenant named.
"""

from autoloop.base.http.addresses import Allowed, refusal
from autoloop.base.http.client import OutboundClient
from autoloop.base.http.urls import Refused, checked_url

__all__ = ["Allowed", "OutboundClient", "Refused", "checked_url", "refusal"]
