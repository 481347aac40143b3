"""Writing down what became of emails: the row, the attempt, the cap, the run's stimulus; in sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from autoloop.base.due import backoff
from autoloop.base.services import Services
from autoloop.engine.requests import NewStimulus
from autoloop.engine.services.stimuli import add as add_stimuli
from autoloop.mail.delivery.bounces import tell_bounces
from autoloop.mail.delivery.caps import give_back
from autoloop.mail.delivery.outgoing import Outgoing
from autoloop.mail.models import Status
from autoloop.plugins.email import Fate, Refused, Reply

__all__ = [
    "GIVE_UP",
    "UNKNOWN_GRACE",
    "UNSENT",
    "Outcome",
    "of_refusal",
    "of_reply",
    "plain",
    "stimulus",
    "write_held",
    "write_replies",
]

GIVE_UP = timedelta(hours=72)
RETRY_BASE = timedelta(minutes=1)
RETRY_CAP = timedelta(hours=6)
UNKNOWN_GRACE = timedelta(minutes=10)
UNSENT = ("temporary", "permanent")  # what was marked and certainly not accepted

PORTS: dict[str, str] = {
    Status.ACCEPTED: "sent",
    Status.REJECTED: "failed",
    Status.SKIPPED: "skipped",
    Status.CANCELLED: "skipped",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The next state of one email. `delay` (seconds) moves `due_at`; `attempt` is what the try said; `held_by`
    names the limit or the slowed pair it waits for."""

    status: Status
    reason: str | None = None
    hold: str | None = None
    delay: float | None = None
    attempt: Reply | Refused | None = None
    held_by: str | None = None

    @property
    def said(self) -> str | None:
        """How the attempts list names it."""
        if isinstance(self.attempt, Reply):
            return self.attempt.fate.value
        if isinstance(self.attempt, Refused):
            return "refused" if self.attempt.permanent else "deferred"
        return None


def _again(mail: Outgoing, tried: Reply | Refused) -> Outcome:
    """Certainly not accepted: another try, unless three days have passed since the first."""
    wait = backoff(max(mail.attempt, 1), base=RETRY_BASE, cap=RETRY_CAP).total_seconds()
    wait = max(wait, tried.retry_after or 0.0)
    if mail.age + wait > GIVE_UP.total_seconds():
        return Outcome(Status.REJECTED, f"Given up after 72 hours: {tried.text}", attempt=tried)
    return Outcome(Status.INTENT, tried.text, hold="deferred", delay=wait, attempt=tried)


def of_refusal(mail: Outgoing, refused: Refused) -> Outcome:
    """What a refusal while staging means."""
    if refused.permanent and not refused.of_account:
        return Outcome(Status.REJECTED, refused.text, attempt=refused)
    return _again(mail, refused)


def of_reply(mail: Outgoing, reply: Reply) -> Outcome:
    """What the reply to the whole message means."""
    if reply.fate is Fate.ACCEPTED:
        return Outcome(Status.ACCEPTED, attempt=reply)
    if reply.fate is Fate.PERMANENT:
        return Outcome(Status.REJECTED, reply.text, attempt=reply)
    if reply.fate is Fate.TEMPORARY:
        return _again(mail, reply)
    return Outcome(Status.UNKNOWN, reply.text, delay=UNKNOWN_GRACE.total_seconds(), attempt=reply)


# As one JSON text that PostgreSQL takes apart: a third of the work of an array for each column.
GIVEN = """given as (
  select * from jsonb_to_recordset(cast(:rows as jsonb)) u(tenant uuid, id uuid, fence bigint, n int, status text,
    reason text, hold text, held_by text, delay float, dated_at timestamptz, account uuid, outcome text, code int,
    reply text, provider_id text))"""

# Before the mark: only who holds the lease may write, and only while the row is an intent. Once it was put off
# the lease is gone: put off twice, it would lose two attempts.
HELD = "e.fence + 0 = u.fence and e.status = 'intent' and e.lease_until is not null"
# After the mark: the reply of attempt n settles `sending` or `unknown` of that attempt, even if the
# lease has lapsed meanwhile.
MARKED = "e.attempts + 0 = u.n and e.status in ('sending', 'unknown')"

# Being held is no attempt: the back-off of a later deferral must not grow by it.
MOVE = """moved as (
  update email_logs e set status = u.status, reason = u.reason, hold_reason = u.hold, held_by = u.held_by,
    due_at = case when u.delay is null then e.due_at else clock_timestamp() + make_interval(secs => u.delay) end,
    attempts = e.attempts - case when u.status = 'intent' and u.outcome is null then 1 else 0 end,
    look_up_at = case when u.status = 'unknown' then clock_timestamp() + interval '1 minute' end,
    lease_until = null, first_tried_at = coalesce(e.first_tried_at, u.dated_at),
    provider_account_id = coalesce(u.account, e.provider_account_id),
    sent_at = case when u.status = 'accepted' then clock_timestamp() else e.sent_at end,
    settled_at = case when u.status = 'intent' then null else clock_timestamp() end, updated_at = now()
  from ours u where e.workspace_id = u.tenant and e.id = u.id returning e.id)"""

ATTEMPT = """tried as (
  insert into email_attempts as a (workspace_id, email_id, n, fence, provider_account_id, finished_at,
    outcome, code, reply, provider_message_id)
  select u.tenant, u.id, u.n, u.fence, u.account, clock_timestamp(), u.outcome, u.code, u.reply, u.provider_id
  from {tried} u where u.outcome is not null
  on conflict (workspace_id, email_id, n) do update set finished_at = excluded.finished_at,
    outcome = excluded.outcome, code = excluded.code, reply = excluded.reply,
    provider_message_id = excluded.provider_message_id)"""


def _statement(ours: str, tried: str) -> Any:
    held = f"""ours as (
  select u.* from email_logs e join given u on e.workspace_id = u.tenant and e.id = u.id
  where {ours} order by e.id for no key update of e)"""
    return text(f"with {GIVEN}, {held}, {MOVE}, {ATTEMPT.format(tried=tried)} select id from moved")


# A reply is kept with its attempt whatever the row says by now; a refusal only by who held the row.
WRITE_HELD = _statement(HELD, "ours")
WRITE_REPLIES = _statement(MARKED, "given")

Results = Sequence[tuple[Outgoing, Outcome]]


def write_held(services: Services, results: Results) -> int:
    """Outcomes of emails that were never marked. Returns how many were still ours."""
    return len(_write(services, results, WRITE_HELD))


def write_replies(services: Services, results: Results) -> int:
    """Outcomes of emails that were marked. Their attempts are completed whatever the row says by now."""
    written = _write(services, results, WRITE_REPLIES)
    unsent = [mail for mail, outcome in written if outcome.said in UNSENT]
    if unsent:
        give_back(services.session, unsent)
    return len(written)


def _write(services: Services, results: Results, statement: Any) -> Results:
    if not results:
        return ()
    mine = set(services.session.execute(statement, {"rows": rows_of(results)}).scalars())
    written = [(mail, outcome) for mail, outcome in results if mail.id in mine]
    tell_runs(services, written)
    tell_bounces(services, written)
    return written


def rows_of(results: Results) -> str:
    """Results as the JSON that the statements take."""
    return orjson.dumps([_row(mail, outcome) for mail, outcome in results]).decode()


def _row(mail: Outgoing, outcome: Outcome) -> dict[str, Any]:
    row: dict[str, Any] = {
        "tenant": mail.workspace_id,
        "id": mail.id,
        "fence": mail.lease.fence,
        "n": mail.attempt,
        "status": outcome.status,
        "reason": plain(outcome.reason),
        "hold": outcome.hold,
        "held_by": outcome.held_by,
        "delay": outcome.delay,
    }
    tried = outcome.attempt
    if tried is not None:
        row |= {
            "dated_at": mail.dated_at,
            "account": mail.account_id,
            "outcome": outcome.said,
            "code": tried.code,
            "reply": plain(tried.text),
            "provider_id": plain(tried.provider_id) if isinstance(tried, Reply) else None,
        }
    return row


def plain(text: str | None) -> str | None:
    """What a server said, as JSON and PostgreSQL can hold it."""
    return None if text is None else text.replace("\x00", "")[:1000].encode("utf-8", "replace").decode()


def tell_runs(services: Services, written: Results) -> None:
    """Mail's fate is a stimulus of its run. It never touches the run itself."""
    stimuli = [
        stimulus(
            mail.workspace_id, mail.id, mail.run_id, mail.node, mail.visit, outcome.status, outcome.reason
        )
        for mail, outcome in written
        if mail.run_id is not None and outcome.status in PORTS
    ]
    if stimuli:
        add_stimuli(services, stimuli)
        services.nudge("advance")


def stimulus(
    workspace_id: UUID,
    email_id: UUID,
    run_id: UUID,
    node: str | None,
    visit: int | None,
    status: str,
    reason: str | None,
) -> NewStimulus:
    """The stimulus that a final state gives its run; `source_key` makes a second one harmless."""
    port = PORTS[status]
    return NewStimulus(
        workspace_id=workspace_id,
        run_id=run_id,
        kind="email",
        payload={"port": port, "email_id": str(email_id), "status": str(status), "reason": plain(reason)},
        source_key=f"email:{email_id}:{port}",
        node=node,
        visit=visit,
    )
