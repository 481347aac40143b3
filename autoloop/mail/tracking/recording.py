"""What is kept of opens and clicks: counts by link, and an event the first time, of those who agreed to it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from autoloop.base.events import Event
from autoloop.base.services import Service
from autoloop.engine.services.events import receive
from autoloop.mail.models import Kind
from autoloop.mail.tracking.machines import HASTE, WAKE
from autoloop.mail.tracking.tokens import Touch

__all__ = ["Recording", "may_record"]

MOST = 10_000  # of one link of one email: what comes after is no news

# A click goes on to where it leads: it does not wait long for anybody. One email's take turns, or a scanner's
# would not see each other.
HURRY = text("""
select set_config('lock_timeout', '500ms', true), set_config('statement_timeout', '2s', true),
  pg_advisory_xact_lock(hashtextextended('touch ' || cast(:email as text), 0))""")

# Who follows other links of the email at this time: `haste` is within how many seconds too many of them were,
# `wake` whether a machine was there last. Of the same link neither is asked: some gateways look at a link while
# the person who follows it waits.
LATELY = "count(*) filter (where last_at > clock_timestamp() - interval '{seconds} seconds') >= {others}"
OTHERS = text(f"""
select case {" ".join(f"when {LATELY.format(others=n, seconds=s)} then {max(s, 2)}" for n, s in HASTE)} end as haste,
  coalesce(bool_or(machines > 0 and people = 0), false) as wake
from email_touches where workspace_id = :workspace and email_id = :email and link > 0
  and (link, turn) <> (:link, :turn) and last_at > clock_timestamp() - interval '{WAKE} seconds'""")

COUNT = text("""
insert into email_touches as t (workspace_id, email_id, link, turn, template_version_id, people, machines, first_at,
  last_at, people_at)
select :workspace, :email, :link, :turn, cast(:version as uuid), n.people, 1 - n.people, n.at, n.at,
  case when n.people = 1 then n.at end
from (select cast(:people as int) as people, clock_timestamp() as at) n
on conflict (workspace_id, email_id, link, turn) do update set people = t.people + excluded.people,
  machines = t.machines + excluded.machines, last_at = excluded.last_at,
  people_at = coalesce(t.people_at, excluded.people_at)
where t.people + t.machines < :most
returning people, machines""")

# A scanner shows itself only by a later link: what it followed right before was no person either.
RECONSIDER = text("""
update email_touches set machines = machines + people, people = 0, people_at = null
where workspace_id = :workspace and email_id = :email and link > 0
  and people_at > clock_timestamp() - make_interval(secs => :seconds)""")


def may_record(email: Any) -> bool:
    """Whether opens and clicks of this email are anybody's business: workspace, kind and person say yes, now."""
    wanted = email.tracking == "all" or (email.tracking == "marketing" and email.kind == Kind.MARKETING)
    return bool(email.is_tracked and wanted and email.consent == "granted")


class Recording(Service):
    """Counts touches, and tells of them through the door that providers' events take."""

    def record(self, email: Any, touch: Touch, target: str | None, sign: str) -> None:
        """One open or click; `email` as `Following` found it, `sign` what shows a machine.

        The first of a place is an event, one for people and one for machines. A machine's belongs to no
        contact: it starts nothing and ends no wait.
        """
        self.session.execute(HURRY, {"email": str(touch.email_id)})
        given = {"workspace": touch.workspace_id, "email": touch.email_id, "link": touch.link}
        given |= {"turn": touch.turn}
        if not sign and email.is_early:
            sign = "early"
        if not sign and touch.link:
            sign = self._by_others(given)
        more = {"version": email.template_version_id, "people": 0 if sign else 1, "most": MOST}
        counted = self.session.execute(COUNT, given | more).one_or_none()
        if counted is not None and (counted.machines if sign else counted.people) == 1:
            receive(self.services, [self._event(email, touch, target, sign)])
            self.services.nudge("route")

    def _by_others(self, given: dict[str, Any]) -> str:
        """What shows a machine by the other links that were followed; what those in haste counted is taken back."""
        others = self.session.execute(OTHERS, given).one()
        if others.haste is not None:
            self.session.execute(RECONSIDER, given | {"seconds": others.haste})
            return "at_once"
        return "wake" if others.wake else ""

    def _event(self, email: Any, touch: Touch, target: str | None, sign: str) -> Event:
        named = ("run_id", "workflow_id", "node", "template_id")
        data: dict[str, Any] = {"email_id": str(email.id)}
        data |= {name: str(value) for name in named if (value := getattr(email, name)) is not None}
        key = f"{email.id}:open"
        if touch.link:
            data["link"] = touch.link
            if not sign:  # an address may say who it is for, and a machine's event is nobody's to be erased
                data["url"] = (target or "")[:2000]
            key = f"{email.id}:{touch.link}.{touch.turn}"
        data |= {"machine": bool(sign)}
        if sign:
            data["sign"] = sign
            key += ":machine"
        name = "email.clicked" if touch.link else "email.opened"
        contact = None if sign else email.contact_id
        return Event(self.workspace_id, name, contact, data, "tracking", key)
