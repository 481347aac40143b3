"""The governor of one sending process: which claimed mails the limits and the paces let go."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from autoloop.base.runtime import Runtime
from autoloop.mail.delivery.outcomes import Outcome
from autoloop.mail.delivery.outgoing import Outgoing
from autoloop.mail.governor.buckets import BULK, PROMPT, Bucket, Demand
from autoloop.mail.governor.days import left_of_days, wanted_by
from autoloop.mail.governor.in_redis import RedisBuckets
from autoloop.mail.governor.in_rows import spend_in_rows
from autoloop.mail.governor.pace import Pace, is_open
from autoloop.mail.governor.rules import Limit, Rules, RulesCache, domains_of, key_of_limit, key_of_pace
from autoloop.mail.governor.slowing import ACCOUNT, settle, take_probes, touched_by
from autoloop.mail.governor.watch import Watch
from autoloop.mail.governor.words import limit_words
from autoloop.mail.models import Kind, Status
from autoloop.plugins.email import Refused, Reply

__all__ = ["Governor", "over_day"]

SPREAD = 600.0  # seconds over which what waited for a break comes back, so that it is not all due at once
PROBED, ACCOUNT_PROBED = 60.0, 8.0  # seconds at most until another look while one mail tries


def over_day(limit: Limit, part: str, wait: float) -> Outcome:
    """Held until the limit's next day."""
    return Outcome(
        Status.INTENT,
        limit_words(limit, "per_day", part),
        hold="daily_cap",
        delay=wait,
        held_by=key_of_limit(limit.id, part),
    )


@dataclass(slots=True)
class _Cause:
    """A bucket, whose it is, and how to say that mail waits for it."""

    bucket: Bucket
    tenant: UUID
    held_by: str
    hold: str
    reason: str


class Governor:
    """Holds what was read of limits and paces, and the way to the shared buckets."""

    def __init__(self, runtime: Runtime, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self.cache = RulesCache()
        self._redis = RedisBuckets(runtime.settings.redis_url)

    def judge(self, session: Session, mails: Sequence[Outgoing]) -> dict[UUID, Outcome]:
        """Email id → why it is put off. Who is absent may go, and has taken its tokens."""
        rules = self.cache.of(session, mails)
        if not any(each.any for each in rules.values()):
            return {}
        domains = domains_of(mails)
        held, trying = self._breaks(session, mails, rules, domains)
        going = [mail for mail in mails if mail.id not in held]
        spent = left_of_days(session, wanted_by(rules, going))
        held |= {id: over_day(*why) for id, why in spent.over.items()}
        going = [mail for mail in going if mail.id not in held]
        return held | self._rates(session, going, rules, domains, trying)

    def has_learned(self, mail: Outgoing, watch: Watch, trouble: Reply | Refused | None) -> bool:
        """Whether `settle` has anything to write. Nothing where nothing was slow and nobody pushed back."""
        return bool(touched_by(mail, self.cache.held(mail.workspace_id), watch, trouble)[1])

    def settle(
        self, session: Session, mail: Outgoing, watch: Watch, trouble: Reply | Refused | None
    ) -> float | None:
        """Write down what a batch of this mail's account heard; seconds that the account rests, if it is in trouble."""
        rests = settle(session, mail, self.cache.held(mail.workspace_id), watch, trouble)
        if watch.pushed or trouble is not None:
            self.cache.forget(mail.workspace_id)
        return rests

    def _breaks(
        self,
        session: Session,
        mails: Sequence[Outgoing],
        rules: Mapping[UUID, Rules],
        domains: Mapping[UUID, str],
    ) -> tuple[dict[UUID, Outcome], set[UUID]]:
        """Mails of accounts and pairs whose breaker is open; and those that find out whether a break is over."""
        held: dict[UUID, Outcome] = {}
        tries: dict[tuple[UUID, str], list[Outgoing]] = {}
        for mail in mails:
            mine = rules[mail.workspace_id]
            if not mine.paces or mail.account_id is None:
                continue
            now = mine.now()
            for domain in (ACCOUNT, domains[mail.id]):
                pace = mine.paces.get((mail.account_id, domain))
                if pace is None or pace.open_until is None:
                    continue
                if not is_open(pace, now):
                    tries.setdefault((mail.account_id, domain), []).append(mail)
                    break
                if domain != ACCOUNT:  # an account whose rest was called off is free at once: see `resting`
                    held[mail.id] = self._break(mail, domain, pace, rules)
                    break
        won = take_probes(session, {pair: them[0].workspace_id for pair, them in tries.items()})
        for pair, them in tries.items():
            for mail in them[1:] if pair in won else them:
                longest = ACCOUNT_PROBED if pair[1] == ACCOUNT else PROBED
                held[mail.id] = _held_by_break(mail, pair[1], longest * (1 + 9 * self._chance()) / 10)
        return held, {tries[pair][0].id for pair in won}

    def _break(self, mail: Outgoing, domain: str, pace: Pace, rules: Mapping[UUID, Rules]) -> Outcome:
        assert pace.open_until is not None
        left = (pace.open_until - rules[mail.workspace_id].now()).total_seconds()
        return _held_by_break(mail, domain, max(left, 0) + self._chance() * min(left, SPREAD))

    def _rates(
        self,
        session: Session,
        mails: Sequence[Outgoing],
        rules: Mapping[UUID, Rules],
        domains: Mapping[UUID, str],
        trying: set[UUID],
    ) -> dict[UUID, Outcome]:
        """Mails over a rate; the others have taken their tokens. Who tries for all needs none of the slow speed."""
        causes: dict[str, _Cause] = {}
        asking: list[tuple[Outgoing, list[str]]] = []
        for mail in mails:
            domain, rule = domains[mail.id], rules[mail.workspace_id]
            mine = _limits(mail, rule, domain)
            if mail.id not in trying and (slow := _slow(mail, rule, domain)) is not None:
                mine.append(slow)
            if mine:
                causes |= {each.bucket.name: each for each in mine}
                asking.append((mail, [each.bucket.name for each in mine]))
        if not asking:
            return {}
        asking.sort(key=lambda pair: pair[0].kind == Kind.MARKETING)  # what somebody waits for is first
        names = sorted(causes)
        place = {name: at for at, name in enumerate(names)}
        buckets = [causes[name].bucket for name in names]
        demands = [
            Demand(BULK if mail.kind == Kind.MARKETING else PROMPT, tuple(place[name] for name in mine))
            for mail, mine in asking
        ]
        answer = self._redis.spend(buckets, demands)
        if answer is None:
            answer = spend_in_rows(session, [causes[name].tenant for name in names], buckets, demands)
        held = {}
        for (mail, _), wait, cause in zip(asking, *answer, strict=True):
            if cause >= 0:
                why = causes[names[cause]]
                held[mail.id] = Outcome(Status.INTENT, why.reason, why.hold, wait, held_by=why.held_by)
        return held


def _limits(mail: Outgoing, rules: Rules, domain: str) -> list[_Cause]:
    """The token buckets of the limits that a mail counts for."""
    found = []
    for limit in rules.limits_of(mail, domain):
        key = key_of_limit(limit.id, limit.part(domain))
        for bucket in limit.buckets(domain):
            words = limit_words(limit, bucket.name.split(":")[1], limit.part(domain))
            found.append(_Cause(bucket, mail.workspace_id, key, "rate", words))
    return found


def _slow(mail: Outgoing, rules: Rules, domain: str) -> _Cause | None:
    """The token bucket of a pair that was slowed: another one after each halving, as turns that were given at the
    old speed are void."""
    pace = rules.paces.get((mail.account_id, domain)) if mail.account_id is not None else None
    if pace is None or pace.rate is None:
        return None
    at = pace.halved_at.timestamp() if pace.halved_at else 0
    bucket = Bucket(f"{mail.account_id}:pace:{at:.3f}:{domain}", pace.rate, max(1.0, pace.rate))
    key = key_of_pace(mail.account_id, domain)
    return _Cause(bucket, mail.workspace_id, key, "slowed", f"{domain} asks for fewer mails")


def _held_by_break(mail: Outgoing, domain: str, wait: float) -> Outcome:
    key = key_of_pace(mail.account_id, domain)
    if domain == ACCOUNT:
        return Outcome(Status.INTENT, hold="account_resting", delay=wait, held_by=key)
    return Outcome(
        Status.INTENT,
        f"{domain} takes no mail from here for a while",
        hold="breaker",
        delay=wait,
        held_by=key,
    )
