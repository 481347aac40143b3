"""What limits the rate, in plain words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from autoloop.base.i18n import _
from autoloop.mail.governor.rules import ANY
from autoloop.mail.models.limits import PERIODS
from autoloop.mail.sending.report import Braked

__all__ = ["Told", "figures_of", "tell", "title_of_limit"]

Translate = Callable[[Any], str]

FIGURES: dict[str, Any] = {
    "per_second": _("${n} a second"),
    "per_minute": _("${n} a minute"),
    "per_hour": _("${n} an hour"),
    "per_day": _("${n} a day"),
}

OTHERS: dict[str, tuple[Any, Any]] = {
    "outside_window": (_("Send windows"), _("nothing goes while a workflow's window is closed")),
    "deferred": (_("Another try"), _("a server asked for it; each mail has a pause of its own")),
    "run_paused": (_("Paused runs"), _("until a person resumes them")),
    "workflow_paused": (_("Paused workflows"), _("until a person resumes them")),
    "sender_paused": (_("Paused senders"), _("until a person resumes them")),
    "company_cap": (_("Mails to one company"), _("as many as the workspace allows")),
    "pace": (_("What people chose"), _("fewer emails")),
    "paused_by_contact": (_("What people chose"), _("a pause")),
    "cooldown": (_("Cool-down"), _("another email goes to the same contact")),
    "no_sender": (_("No sender"), _("until there is one for this mail")),
    "no_postal_address": (_("No postal address"), _("marketing mail needs one")),
    "no_account": (_("No provider account"), _("until one is active")),
    "no_provider": (_("A missing plugin"), _("until the provider's plugin is there")),
    "no_key": (_("A key that cannot be opened"), _("until its domain has one that can sign")),
    "settled_by_key": (_("Of unknown fate"), _("handed over once more under the same key")),
    "cannot_be_judged": (_("An error"), _("looked at again after a while")),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A line of the page: what it is, how much it lets through, and what was said."""

    title: str
    figure: str
    note: str = ""


def tell(brake: Braked, translate: Translate) -> Told:
    """One brake in words, in the language that `translate` gives."""
    row = brake.row
    if brake.kind == "limit":
        return Told(title_of_limit(row, translate), figures_of(row, translate), _used(brake, translate))
    if brake.kind in ("cap", "ramp"):
        words = _("Warm-up: ${n} today") if brake.kind == "ramp" else FIGURES["per_day"]
        figure = translate(words).replace("${n}", f"{brake.most:,}")
        title = translate(_("From ${who}", mapping={"who": row.address}))
        return Told(title, figure, _used(brake, translate))
    if brake.kind == "other":
        title, figure = OTHERS.get(brake.reason or "", (brake.reason or "", ""))
        return Told(translate(title), translate(figure))
    return _slow(brake, translate)


def _used(brake: Braked, translate: Translate) -> str:
    if brake.most is None:
        return ""
    used = {"used": f"{brake.used:,}", "most": f"{brake.most:,}"}
    return translate(_("${used} of ${most} used today", mapping=used))


def title_of_limit(row: Any, translate: Translate) -> str:
    """What a limit is about."""
    if row.account_name is not None:
        return translate(_("Through ${what}", mapping={"what": row.account_name}))
    if row.sender_address is not None:
        return translate(_("From ${who}", mapping={"who": row.sender_address}))
    if row.domain_name is not None:
        return translate(_("From ${who}", mapping={"who": row.domain_name}))
    if row.recipient_domain == ANY:
        return translate(_("To each domain"))
    if row.recipient_domain is not None:
        return translate(_("To ${where}", mapping={"where": row.recipient_domain}))
    return translate(_("The whole workspace"))


def figures_of(row: Any, translate: Translate) -> str:
    """ "10 a second, 20,000 a day"."""
    given = [
        (FIGURES[period], getattr(row, period)) for period in PERIODS if getattr(row, period) is not None
    ]
    return ", ".join(translate(words).replace("${n}", f"{figure:,}") for words, figure in given)


def _slow(brake: Braked, translate: Translate) -> Told:
    row = brake.row
    if brake.kind == "account":
        title = translate(_("Through ${what}", mapping={"what": row.account_name}))
        rests = _("one mail finds out whether it works again")
        if brake.until:
            rests = _("rests after errors") if row.openings > 1 else _("rests some seconds after an error")
        return Told(title, translate(rests), row.said)
    where = {"where": row.domain, "what": row.account_name}
    title = translate(_("To ${where} through ${what}", mapping=where))
    if brake.kind == "breaker":
        words = (
            _("nothing, for it took no mail")
            if brake.until
            else _("one mail finds out whether it takes mail")
        )
        return Told(title, translate(words), row.said)
    return Told(title, translate(_speed(row.rate or 0.0)), row.said)


def _speed(rate: float) -> Any:
    if rate >= 1:
        return _("about ${n} a second", mapping={"n": round(rate)})
    if rate * 60 >= 1:
        return _("about ${n} a minute", mapping={"n": round(rate * 60)})
    return _("one in ${n} minutes", mapping={"n": round(1 / (rate * 60)) if rate else 5})
