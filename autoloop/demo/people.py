"""The people who get the demo's mail. What each does follows from a hash of the address: no two demos differ."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from autoloop.demo.door import Door, RefusedError

__all__ = ["Deed", "People", "chance", "deeds"]

PAUSE = 1.0
"""Seconds before anybody reacts."""
MOST = 1000
PATIENCE = 20.0


@dataclass(frozen=True)
class Deed:
    """What somebody does with their n-th mail: an event, or (event None) one click on Unsubscribe."""

    event: str | None
    data: dict[str, Any] = field(default_factory=dict)


def chance(address: str, what: str) -> float:
    """A number from 0 up to 1 that depends on nothing else."""
    return int.from_bytes(sha256(f"{what}:{address}".encode()).digest()[:8]) / 2**64


def deeds(address: str, nth: int) -> list[Deed]:
    """What this person does with the n-th mail they get (1, 2, 3)."""
    drawn = chance(address, f"mail {nth}")
    if nth == 1 and drawn < 0.02:
        return [Deed("email.bounced", {"type": "hard", "diagnostic": "550 5.1.1 No such mailbox"})]
    done = []
    if chance(address, f"open {nth}") < 0.55:
        done.append(Deed("email.opened"))
    replies = {1: 0.12, 2: 0.09, 3: 0.05}.get(nth, 0.0)
    if 0.02 <= drawn < 0.02 + replies:
        done.append(Deed("email.replied", {"subject": "Re: your mail"}))
    elif drawn >= 0.985:
        done.append(Deed(None))
    return done


class People:
    """Reads the sink's journal as it grows, and lets the recipients react through the public API."""

    def __init__(self, door: Door, journal: Path) -> None:
        self.door = door
        self.done: Counter[str] = Counter()
        self.clicked: dict[str, float] = {}
        """Address → when the one click was answered (seconds since 1970)."""
        self._journal = journal.open(encoding="utf-8")
        self._rest = ""
        self._nth: Counter[str] = Counter()
        self._mails: list[tuple[float, str, str]] = []
        self._clicks: list[tuple[float, str, str]] = []

    @property
    def idle(self) -> bool:
        """True if nobody has a reaction left to give."""
        return not self._mails and not self._clicks

    def turn(self) -> None:
        """Read what came, and do what it is time for."""
        self._read()
        now = time.time()
        due = [mail for mail in self._mails if mail[0] <= now]
        self._mails = self._mails[len(due) :]
        events = [event for mail in due for event in self._react(*mail)]
        for start in range(0, len(events), MOST):
            self.door.post("events", {"events": events[start : start + MOST]})
        self.done.update(event["name"] for event in events)
        self._click()

    def _read(self) -> None:
        lines = (self._rest + self._journal.read()).split("\n")
        self._rest = lines.pop()
        for line in lines:
            message_id, address, _, at = line.split("\t")
            self._mails.append((float(at) + PAUSE, message_id, address))

    def _react(self, at: float, message_id: str, address: str) -> list[dict[str, Any]]:
        self._nth[address] += 1
        nth = self._nth[address]
        email_id = message_id.strip("<>").partition("@")[0]
        events = []
        for deed in deeds(address, nth):
            if deed.event is None:
                self._clicks.append((at, message_id, address))
                continue
            events.append(
                {
                    "name": deed.event,
                    "email": address,
                    "data": {"email_id": email_id, **deed.data},
                    "source": "demo",
                    "id": f"{deed.event}:{email_id}",
                }
            )
        return events

    def _click(self) -> None:
        """Open the mail in the mailbox and use the link that it brings."""
        again = []
        for at, message_id, address in self._clicks:
            link = self._link(message_id, address)
            if link is not None:
                self.door.click(link)
                self.clicked[address] = time.time()
                self.done["unsubscribed"] += 1
            elif time.time() > at + PATIENCE:
                raise RefusedError(f"The mail {message_id} to {address} did not come into the mailbox.")
            else:
                again.append((at, message_id, address))
        self._clicks = again

    def _link(self, message_id: str, address: str) -> str | None:
        for row in self.door.get("mailbox", q=address):
            if row["message_id"] == message_id:
                headers = dict(self.door.get(f"mailbox/{row['id']}")["headers"])
                return str(headers["List-Unsubscribe"]).strip("<>")
        return None
