"""Telling members that mail stopped flowing to a domain or through an account, and that it flows again.

The breakers themselves are rows of `mail_slowings`, written while mail is sent. What was told of is a row of
`mail_breaks`: whatever differs between the two is news, whoever opened or closed the breaker, and however.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from autoloop.base.due import DueKind
from autoloop.base.i18n import _, paragraphs
from autoloop.base.services import Services
from autoloop.mail.governor.rules import STILL
from autoloop.plugins.effects import Notify

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["KIND", "tell_of_breaks"]

MOST = 50
CALM = "1 hour"  # one that opens and closes all the time is mailed of once in it, and shown each time

# A wait that a server asked for by name of its length is none: `openings` counts those that we opened. Nor is an
# account's first rest: it has had one error, and some seconds later a mail finds out whether that was all.
LEAST = "case when s.domain = '' then 2 else 1 end"
OPEN = f"s.open_until is not null and s.openings >= {LEAST} and {STILL.format(s='s')}"
SAME = "(s.workspace_id, s.account_id, s.domain) = (b.workspace_id, b.account_id, b.domain)"
BEGUN = f"""from mail_slowings s where {OPEN} and not exists (select from mail_breaks b where {SAME})"""
OVER = f"""from mail_breaks b where not exists (select from mail_slowings s where {SAME} and {OPEN})"""
PROBE = f"select exists (select {BEGUN}) or exists (select {OVER})"

BEGIN = text(f"""
with begun as (
  insert into mail_breaks (workspace_id, account_id, domain, opened_at)
  select s.workspace_id, s.account_id, s.domain, clock_timestamp() {BEGUN}
  order by 1, 2, 3 limit {MOST} on conflict do nothing returning *)
select b.workspace_id, b.account_id, b.domain, b.opened_at, s.said, s.open_until, a.name, w.slug,
  not exists (select from notifications n where n.workspace_id = b.workspace_id and n.mailed
    and n.created_at > clock_timestamp() - interval '{CALM}'
    and starts_with(n.key, 'break:' || b.account_id || ':' || b.domain || ':')) as by_mail
from begun b
join mail_slowings s on {SAME}
join provider_accounts a on a.workspace_id = b.workspace_id and a.id = b.account_id
join workspaces w on w.id = b.workspace_id""")

END = text(f"""
with over as (select b.workspace_id, b.account_id, b.domain {OVER} order by 1, 2, 3 limit {MOST} for update skip locked),
gone as (delete from mail_breaks b using over o
  where (b.workspace_id, b.account_id, b.domain) = (o.workspace_id, o.account_id, o.domain) returning b.*)
select g.workspace_id, g.account_id, g.domain, g.opened_at, a.name, w.slug, clock_timestamp() as now
from gone g
join provider_accounts a on a.workspace_id = g.workspace_id and a.id = g.account_id
join workspaces w on w.id = g.workspace_id""")

# The news that it stopped is old: who has not read it yet need not.
CLEAR = text("""
update notifications set read_at = now() where workspace_id = :workspace and key = :key and read_at is null""")


def tell_of_breaks(runtime: Runtime) -> int:
    """The due kind "mail_breaks": what opened and what closed since the last look. How many."""
    with runtime.unit("worker") as services:
        begun = services.session.execute(BEGIN).all()
        over = services.session.execute(END).all()
        for row in begun:
            services.enter(row.workspace_id)
            _stopped(services, row)
        for row in over:
            services.enter(row.workspace_id)
            _flows(services, row)
    return len(begun) + len(over)


def _stopped(services: Services, row: Any) -> None:
    parts = {
        "where": row.domain,
        "what": row.name,
        "said": row.said,
        "until": f"{row.open_until:%Y-%m-%d %H:%M} UTC",
    }
    if not row.domain:  # the whole account
        title = _("No mail goes through ${what} for now", mapping=parts)
        why = _("The provider account ${what} is in trouble: “${said}”.", mapping=parts)
    else:
        title = _("No mail goes to ${where} for now", mapping=parts)
        why = _("${where} takes no mail that comes through ${what}: “${said}”.", mapping=parts)
    more = _(
        "Its mail waits, and nothing is lost: from ${until} on one mail at a time finds out whether it goes again. "
        "You need do nothing, unless the answer names something of yours to mend.",
        mapping=parts,
    )
    _tell(services, row, "break", title, paragraphs(why, more), mail=row.by_mail)


def _flows(services: Services, row: Any) -> None:
    services.session.execute(CLEAR, {"workspace": row.workspace_id, "key": _key("break", row)})
    minutes = max(1, round((row.now - row.opened_at).total_seconds() / 60))
    parts = {"where": row.domain, "what": row.name, "minutes": f"{minutes:,}"}
    if not row.domain:  # the whole account
        title = _("Mail goes through ${what} again", mapping=parts)
    else:
        title = _("Mail goes to ${where} again", mapping=parts)
    body = _("It had stopped for ${minutes} minutes. What waited leaves by and by.", mapping=parts)
    _tell(services, row, "flows", title, body, mail=False)


def _key(kind: str, row: Any) -> str:
    return f"{kind}:{row.account_id}:{row.domain}:{row.opened_at.isoformat()}"


def _tell(services: Services, row: Any, kind: str, title: Any, body: Any, *, mail: bool) -> None:
    notify = services.registrations.effect_handlers.get("notify")
    if notify is None:
        return
    page = f"{services.settings.public_url}/w/{row.slug}/sending"
    said = Notify(title, paragraphs(body, page), "editor", mail=mail)
    notify(services, row.workspace_id, None, said, key=_key(kind, row))


KIND = DueKind("mail_breaks", PROBE, tell_of_breaks)
