"""What the engine promises of one workflow, in the simplest words that can be run: no database, no batches.

Mail, then a wait for an answer or for a day, then another mail, then the end. Times are in hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Model", "Walk"]

DAY = 24


@dataclass
class Walk:
    """One run. `place`: mail, answer, more, over. `journal` names each step left, by its port."""

    person: int
    version: int
    place: str = "mail"
    status: str = "active"
    until: int | None = None
    journal: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)

    @property
    def goes(self) -> bool:
        return self.status == "active"

    def leave(self, port: str, place: str, until: int | None = None) -> None:
        self.journal.append(f"{self.place}:{port}")
        self.place, self.until = place, until

    def end(self, status: str) -> None:
        self.status, self.place = status, "over"
        self.heard = []


@dataclass
class Model:
    """People, their runs, their mail. What happens is noted at once; what follows from it when the engine turns."""

    hour: int = 0
    version: int = 1
    walks: list[Walk] = field(default_factory=list)
    silent: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    mails: list[tuple[int, str]] = field(default_factory=list)

    def of(self, person: int) -> Iterator[Walk]:
        return (walk for walk in self.walks if walk.person == person and walk.status in ("active", "paused"))

    # What happens

    def start(self, person: int) -> None:
        self.walks.append(Walk(person, self.version))

    def answer(self, person: int) -> None:
        """An answer reaches whoever waits for one, also while held; it is kept until they go on."""
        for walk in self.of(person):
            if walk.place == "answer":
                walk.heard.append("answered")

    def bounce(self, person: int) -> None:
        """An exit rule: it reaches every run, wherever it stands."""
        for walk in self.of(person):
            walk.heard.append("bounced")

    def erase(self, person: int) -> None:
        self.gone.add(person)
        self.walks = [walk for walk in self.walks if walk.person != person]

    def pause(self, walk: Walk) -> None:
        walk.status = "paused"

    def resume(self, walk: Walk) -> None:
        walk.status = "active"

    def cancel(self, walk: Walk) -> None:
        walk.end("cancelled")

    # What follows

    def turn(self) -> None:
        """All that is due has happened."""
        for walk in self.walks:
            while walk.goes and self.step(walk):
                pass

    def step(self, walk: Walk) -> bool:
        """One step of a run; False if it waits."""
        if "bounced" in walk.heard:
            walk.end("stopped")
            return False
        if walk.place in ("mail", "more"):
            port = "skipped" if walk.person in self.silent else "sent"
            if port == "sent":
                self.mails.append((walk.person, walk.place))
            if walk.place == "more":
                walk.leave(port, "over")
                walk.end("completed")
            else:
                walk.leave(port, "answer", self.hour + DAY * walk.version)
        elif "answered" in walk.heard:
            walk.leave("next", "over")
            walk.end("completed")
        elif walk.until is not None and self.hour >= walk.until:
            walk.leave("timeout", "more")
        else:
            return False
        return walk.goes
