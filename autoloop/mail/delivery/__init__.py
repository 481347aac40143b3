"""Delivery: the only caller of providers. Never lost, never silently sent twice."""

from __future__ import annotations

from autoloop.base.due import DueKind
from autoloop.mail.delivery.lapsed import LAPSED_PROBE, UNKNOWN_PROBE, settle_lapsed, settle_unknown
from autoloop.mail.delivery.lookups import LOOK_UP_PROBE, look_up_unknown
from autoloop.mail.delivery.worker import PROBE, Delivery, deliver

__all__ = ["DUE_KINDS", "Delivery", "deliver", "settle_lapsed", "settle_unknown"]

DUE_KINDS = (
    DueKind("mail", PROBE, deliver),
    DueKind("mail_lapsed", LAPSED_PROBE, settle_lapsed),
    DueKind("mail_look_up", LOOK_UP_PROBE, look_up_unknown),
    DueKind("mail_unknown", UNKNOWN_PROBE, settle_unknown),
)
