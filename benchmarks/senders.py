"""A sending process of the mail benchmark: `python -m benchmarks.senders product|floor … < settings`.

It says "ready", sends when it is told to, and says how many it sent.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import select

from autoloop import make_runtime
from autoloop.base.ids import new_id
from autoloop.base.runtime import Runtime
from autoloop.mail.compose import Letter, compose
from autoloop.mail.delivery import Delivery
from autoloop.mail.dkim import Signer, new_key, sign
from autoloop.mail.models import EmailTemplateVersion
from autoloop.mail.render import render
from autoloop.plugins.email import Fate, Message, Staged
from autoloop.settings import Settings
from autoloop_plugins.email.smtp.channel import SmtpChannel
from autoloop_plugins.email.smtp.connection import Target

__all__ = ["rate_of"]

PERSON = {"first_name": "Ada", "last_name": "", "title": "", "phone": ""}


def rate_of(
    kind: str, settings: Settings, processes: int, emails: int, port: int, width: int, *, signed: bool
) -> float:
    """Emails per second of so many processes together."""
    options = [kind, str(emails // processes), str(port), str(width), str(int(signed))]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.senders", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    for child in started:
        assert child.stdin is not None
        child.stdin.write(json.dumps(asdict(settings)) + "\n")
        child.stdin.flush()
    for child in started:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    begun = time.perf_counter()
    for child in started:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    sent = sum(int(child.stdout.readline()) for child in started if child.stdout is not None)
    seconds = time.perf_counter() - begun
    for child in started:
        child.communicate()
    assert sent == emails, f"{sent} sent, not {emails}"
    return emails / seconds


def deliver(runtime: Runtime) -> int:
    """What a worker does, until nothing is due."""
    delivery, sent = Delivery(runtime), 0
    while count := delivery.work():
        sent += count
    return sent


class Bare:
    """Render, compose, sign and send over the same client; nothing is claimed, checked, marked or kept."""

    def __init__(self, runtime: Runtime, port: int, width: int, signers: Sequence[Signer]) -> None:
        self.channel = SmtpChannel(Target("127.0.0.1", port, "none"), width=width)
        self.width, self.signers = width, signers
        with runtime.unit("worker") as services:
            self.version: Any = services.session.scalars(select(EmailTemplateVersion)).one()
            services.session.expunge(self.version)

    def message(self, n: int) -> Message:
        address = f"c{n}@bench.example"
        rendered = render(self.version, {"contact": {**PERSON, "email": address}})
        letter = Letter(
            message_id=f"<{new_id()}@bench.example>", date=self.version.created_at, from_name="Ada", from_address="ada@bench.example",
            to_name="Ada", to_address=address, subject=rendered.subject, text=rendered.text, html=rendered.html,
        )  # fmt: skip
        data = compose(letter)
        for signer in self.signers:
            data = sign(data, signer)
        return Message(str(n), letter.message_id, letter.from_address, address, data)

    def send(self, emails: int) -> int:
        sent = 0
        for start in range(0, emails, self.width):
            group = [self.message(n) for n in range(start, min(start + self.width, emails))]
            staged = [each for each in self.channel.stage(group) if isinstance(each, Staged)]
            sent += sum(reply.fate is Fate.ACCEPTED for _, reply in self.channel.transmit_all(staged))
        return sent


def main() -> None:
    kind, emails, port, width, signed = sys.argv[1], *map(int, sys.argv[2:])
    given = json.loads(sys.stdin.readline())
    settings = Settings(
        **{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    )
    runtime = make_runtime(settings)
    if kind == "floor":
        signers = [Signer("bench.example", "s", "rsa-sha256", new_key("rsa-sha256"))] if signed else []
        bare = Bare(runtime, port, width, signers)
    print("ready", flush=True)
    sys.stdin.readline()
    print(deliver(runtime) if kind == "product" else bare.send(emails), flush=True)
    runtime.dispose()


if __name__ == "__main__":
    main()
