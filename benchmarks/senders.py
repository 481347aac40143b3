"""A sending process of the mail benchmark: `python -m benchmarks.senders < a Job as JSON`.

It says "ready", sends when it is told to, and says how many it sent and the CPU seconds that took.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, TextIO

from autoloop import make_runtime
from autoloop.base.runtime import Runtime
from autoloop.mail.delivery import Delivery
from autoloop.settings import Settings
from benchmarks import bare_mail

__all__ = ["Job", "send"]


@dataclass(frozen=True)
class Job:
    """What to send (`html`, `text`), and how: by the "product", or by a loop of `bare_mail`."""

    kind: str
    settings: dict[str, Any]
    dsn: str
    port: int
    width: int
    emails: int
    html: str
    text: str
    signed: bool = False
    tls: str = ""  # the certificate to trust; no TLS without one
    number: int = 0


def send(job: Job, processes: int) -> tuple[float, float]:
    """Emails per second of so many processes together, and CPU milliseconds of theirs for each email."""
    share = job.emails // processes
    command = [sys.executable, "-m", "benchmarks.senders"]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    for number, child in enumerate(started):
        say(child.stdin, json.dumps(asdict(replace(job, emails=share, number=number))))
    for child in started:
        assert hear(child.stdout) == "ready"
    begun = time.perf_counter()
    for child in started:
        say(child.stdin, "go")
    told = [hear(child.stdout).split() for child in started]
    seconds = time.perf_counter() - begun
    for child in started:
        child.communicate()
    sent = sum(int(each[0]) for each in told)
    assert sent == job.emails, f"{sent} sent, not {job.emails}"
    return sent / seconds, 1000 * sum(float(each[1]) for each in told) / sent


def say(pipe: TextIO | None, line: str) -> None:
    assert pipe is not None
    pipe.write(line + "\n")
    pipe.flush()


def hear(pipe: TextIO | None) -> str:
    assert pipe is not None
    return pipe.readline().strip()


def deliver(runtime: Runtime) -> int:
    """What a worker does, until nothing is due."""
    delivery, sent = Delivery(runtime), 0
    while count := delivery.work():
        sent += count
    return sent


def loop_of(job: Job) -> Callable[[], int]:
    if job.kind == "plain":
        return bare_mail.plain(job.port, job.emails, job.html, job.text, signed=job.signed, tls=job.tls)
    if job.kind == "prepared":
        return bare_mail.prepared(
            job.dsn, job.number, job.port, job.width, job.html, job.text, signed=job.signed, tls=job.tls
        )
    known = {name: tuple(value) if isinstance(value, list) else value for name, value in job.settings.items()}
    runtime = make_runtime(Settings(**known))
    return lambda: deliver(runtime)


def main() -> None:
    loop = loop_of(Job(**json.loads(sys.stdin.readline())))
    print("ready", flush=True)
    sys.stdin.readline()
    begun = time.process_time()
    sent = loop()
    print(sent, time.process_time() - begun, flush=True)


if __name__ == "__main__":
    main()
