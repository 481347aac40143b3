"""What the other side says while one batch of one account is sent: a few additions for each mail, no more."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from autoloop.mail.addresses import domain_of
from autoloop.mail.delivery.outcomes import Outcome
from autoloop.mail.delivery.outgoing import Outgoing
from autoloop.mail.governor.pace import pushes_back
from autoloop.mail.governor.rules import key_of_pace
from autoloop.mail.models import Status
from autoloop.plugins.email import Fate, Refused, Reply

__all__ = ["PushBack", "Watch"]

# So many domains pushing back, and nothing getting through: it is not the domains. Over HTTP it is one vendor that
# answers for all of them.
EVERYWHERE, AT_THE_VENDOR = 5, 2
FASTEST = 1000.0  # mails a second; a batch that took no time says nothing about speed


@dataclass(slots=True)
class PushBack:
    """What one domain said: how often, the longest wait it asked for, and its last words."""

    count: int = 0
    asked: float = 0.0
    code: int | None = None
    said: str = ""


class Watch:
    """One batch of one account."""

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self.taken: Counter[str] = Counter()
        self.answered: set[str] = set()  # refused for good: the other side is there
        self.pushed: dict[str, PushBack] = {}
        self._chance = chance
        self._began = time.monotonic()

    @property
    def alive(self) -> bool:
        """Whether anything but push-backs and trouble of the account was heard."""
        return bool(self.taken or self.answered)

    def heard(self, mail: Outgoing, said: Reply | Refused) -> bool:
        """Take note of an answer. True if the account itself is in trouble."""
        if isinstance(said, Reply) and said.fate is Fate.ACCEPTED:
            self.taken[domain_of(mail.to_address)] += 1
            return False
        # 429 tells of this request; only where it meets everybody it is about the account.
        if said.of_account and said.code != 429:
            return True
        domain = domain_of(mail.to_address)
        if said.permanent if isinstance(said, Refused) else said.fate is not Fate.TEMPORARY:
            if not isinstance(said, Reply) or said.fate is not Fate.UNKNOWN:
                self.answered.add(domain)
            return False
        if not pushes_back(said.code, said.retry_after):
            return False
        push = self.pushed.setdefault(domain, PushBack())
        push.count += 1
        push.asked = max(push.asked, said.retry_after or 0.0)
        push.code, push.said = said.code, said.text
        most = AT_THE_VENDOR if said.code == 429 else EVERYWHERE
        return not self.alive and len(self.pushed) >= most

    def stops(self, mail: Outgoing) -> Outcome | None:
        """Why a mail of this batch must not go any more, after what its domain just said."""
        if not self.pushed or (domain := domain_of(mail.to_address)) not in self.pushed:
            return None
        return Outcome(
            Status.INTENT,
            f"{domain} asks for fewer mails",
            hold="slowed",
            delay=1 + 4 * self._chance(),
            held_by=key_of_pace(mail.account_id, domain),
        )

    def speed(self, domain: str) -> float:
        """Mails a second to a domain in this batch, before it was asked to slow down."""
        took = max(time.monotonic() - self._began, 0.001)
        return min(self.taken[domain] / took, FASTEST)
