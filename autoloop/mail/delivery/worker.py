"""One batch of mail: claim, decide, write, stage, mark, transmit, settle."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from itertools import groupby
from uuid import UUID

from sqlalchemy import text

from autoloop.base.due import Lease, behind, claim
from autoloop.base.garbage import uncollected
from autoloop.base.runtime import Runtime
from autoloop.mail.delivery.caps import left_today
from autoloop.mail.delivery.channels import Channels
from autoloop.mail.delivery.decisions import POLL, decide
from autoloop.mail.delivery.heartbeat import LEASE, Side
from autoloop.mail.delivery.keys import Keys
from autoloop.mail.delivery.outcomes import UNKNOWN_GRACE, Outcome, write_held
from autoloop.mail.delivery.outgoing import Outgoing, load
from autoloop.mail.delivery.pump import Pump
from autoloop.mail.delivery.versions import Versions
from autoloop.mail.governor.governing import Governor
from autoloop.mail.governor.rules import key_of_pace
from autoloop.mail.governor.slowing import spoken
from autoloop.mail.governor.watch import Watch
from autoloop.mail.links import Links
from autoloop.mail.models import Status
from autoloop.plugins.email import Fate, Refused, Reply

__all__ = ["PROBE", "Delivery", "deliver"]

log = logging.getLogger(__name__)

FORGOTTEN = "It may have been accepted, and waited for longer than its provider knows its key"
NO_KEY = 300.0  # seconds until another look at mail whose signature cannot be made

QUICK, SLOW = 0.3, 1.0  # seconds: a batch that takes less may double, one that takes more is halved
GROWTH = 4  # times the batch of the settings, at the most
LEAST = 10  # emails

# What somebody waits for goes before a campaign. A condition for each, as its index is found by it.
LANES = tuple(
    f"@.status = 'intent' and {bulk} and @.due_at <= clock_timestamp()"
    for bulk in ("not @.is_bulk", "@.is_bulk")
)
PROBE = """select exists (select from email_logs where status = 'intent' and due_at <= clock_timestamp()
  and (lease_until is null or lease_until < clock_timestamp()))"""

TROUBLE = text("""
update provider_accounts set problem = :problem, problem_at = clock_timestamp(),
  rest_until = clock_timestamp() + make_interval(secs => :rest)
where workspace_id = :workspace and id = :id""")
# `updated_at` stays: it tells open channels that somebody changed the account.
WELL = text("""
update provider_accounts set problem = null, problem_at = null, rest_until = null
where workspace_id = :workspace and id = :id and problem is not null""")


class Delivery:
    """Delivery of one process: its open channels and the template versions it has read."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.channels = Channels()
        self.side = Side()
        self.governor = Governor(runtime)
        self.versions = Versions()
        self.keys = Keys(runtime.settings.secret_keys)
        self.links = Links(runtime.settings.public_url, runtime.settings.secret_keys)
        self._start = UUID(int=0)
        self._batch = runtime.settings.worker_batch

    @uncollected()
    def work(self) -> int:
        """Claim one batch and see it through. Returns how many emails were claimed."""
        began = time.monotonic()
        claimed = self._work()
        self._batch = next_batch(
            self._batch, claimed, time.monotonic() - began, usual=self.runtime.settings.worker_batch
        )
        return claimed

    def _work(self) -> int:
        ready, claimed = self._claim()
        by_account = sorted(ready, key=lambda mail: (str(mail.workspace_id), str(mail.account_id)))
        for _, group in groupby(by_account, key=lambda mail: (mail.workspace_id, mail.account_id)):
            self._send_group(list(group))
        self.channels.tidy()
        return claimed

    def _claim(self) -> tuple[list[Outgoing], int]:
        """Lease due emails; those that must not go now are written down at once."""
        with self.runtime.unit("worker") as services:
            session = services.session
            leases: list[Lease] = []
            for lane in LANES:
                if (left := self._batch - len(leases)) > 0:
                    leases += claim(session, "email_logs", lane, batch=left, lease=LEASE, start=self._start)
            if not leases:
                return [], 0
            self._start = behind(self._start, leases)
            mails = load(session, leases)
            held = decide(session, mails)
            ready = [mail for mail in mails if mail.id not in held]
            self.keys.fetch(session, ready)
            for mail in ready:
                if blocked := self._blocked(mail):
                    held[mail.id] = blocked
            caps = left_today(session, ready)
            for mail in ready:
                grant = caps.get((mail.workspace_id, mail.sender_id)) if mail.sender_id else None
                if grant is not None and grant.count <= 0 and mail.id not in held:
                    key = f"sender:{mail.sender_id}"
                    held[mail.id] = Outcome(
                        Status.INTENT, hold="daily_cap", delay=grant.until_next, held_by=key
                    )
            held |= self.governor.judge(session, [mail for mail in ready if mail.id not in held])
            write_held(services, [(mail, held[mail.id]) for mail in mails if mail.id in held])
            ready = [mail for mail in ready if mail.id not in held]
            self.versions.fetch(session, ready)
        return ready, len(leases)

    def _blocked(self, mail: Outgoing) -> Outcome | None:
        """Why there is no way out for this mail right now."""
        if mail.account_id is None or not mail.account_active:
            return Outcome(
                Status.INTENT, "There is no active provider account", hold="no_account", delay=POLL
            )
        provider = self.channels.provider(self.runtime, mail.provider)
        if provider is None:
            why = f"The provider “{mail.provider}” is not installed"
            return Outcome(Status.INTENT, why, hold="no_provider", delay=POLL)
        if self.keys.lacks(mail):
            why = "The key that signs the mail of its sending domain cannot be opened"
            return Outcome(Status.INTENT, why, hold="no_key", delay=NO_KEY)
        if mail.resting > 0:
            key = key_of_pace(mail.account_id, "")
            return Outcome(Status.INTENT, hold="account_resting", delay=mail.resting, held_by=key)
        if mail.unknown_for > provider.key_lasts.total_seconds():
            return Outcome(Status.UNKNOWN, FORGOTTEN, delay=UNKNOWN_GRACE.total_seconds())
        return None

    def _send_group(self, mails: list[Outgoing]) -> None:
        """All mail of one account."""
        first = mails[0]
        try:
            channel = self.channels.of(self.runtime, first)
        except Exception as error:
            log.exception("a provider account cannot be opened")
            why = f"The account cannot be opened: {type(error).__name__}: {error}"
            trouble = Reply(Fate.TEMPORARY, text=why, of_account=True)
            self._note(first, trouble, mails, Watch(), healthy=False)
            return
        if channel is None:
            return
        pump = Pump(self.runtime, channel, self.side, self.versions, self.keys, self.links)
        try:
            later = pump.run(mails)
        except Exception:
            # The leases lapse by themselves: intents are tried again, what was marked becomes unknown.
            log.exception("a group of mail was given up by this worker")
            self.channels.drop(first.account_id)
            self.side = Side()
            return
        self._note(first, pump.trouble, later, pump.watch, healthy=pump.healthy)

    def _note(
        self,
        mail: Outgoing,
        trouble: Refused | Reply | None,
        later: Sequence[Outgoing],
        watch: Watch,
        *,
        healthy: bool,
    ) -> None:
        """Keep what the batch learned of its account and of domains; let an account in trouble rest, and free
        the mail that waits for it in this batch."""
        at = {"workspace": mail.workspace_id, "id": mail.account_id}
        well = trouble is None and healthy and mail.account_ill
        if not (well or self.governor.has_learned(mail, watch, trouble)):
            return
        with self.runtime.unit("worker") as services:
            session = services.session
            rest = self.governor.settle(session, mail, watch, trouble)
            if well:
                session.execute(WELL, at)
            if trouble is None or rest is None:
                return
            session.execute(TROUBLE, at | {"problem": spoken(trouble.text), "rest": rest})
            key = key_of_pace(mail.account_id, "")
            resting = Outcome(Status.INTENT, hold="account_resting", delay=rest, held_by=key)
            write_held(services, [(each, resting) for each in later])


def next_batch(batch: int, claimed: int, seconds: float, *, usual: int) -> int:
    """How many emails to claim next time: more while servers are quick, as statements cost the same for many;
    fewer while they are slow, or what somebody waits for waits for the rest of a campaign's batch."""
    if seconds > SLOW:
        return max(batch // 2, min(usual, LEAST))
    if seconds < QUICK and claimed >= batch:
        return min(batch * 2, usual * GROWTH)
    return batch


_held: dict[int, Delivery] = {}


def deliver(runtime: Runtime) -> int:
    """The due kind "mail": one batch, by this process's delivery."""
    delivery = _held.get(id(runtime))
    if delivery is None or delivery.runtime is not runtime:
        _held.clear()
        delivery = _held[id(runtime)] = Delivery(runtime)
    return delivery.work()
