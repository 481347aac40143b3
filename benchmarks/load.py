"""A load generator: keep-alive connections on one event loop, and what they measured."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass

__all__ = ["Load", "drive"]


@dataclass(frozen=True)
class Load:
    """Requests per second and the time of one, in milliseconds."""

    rate: float
    p50: float
    p95: float


def drive(host: str, port: int, head: str, *, connections: int = 16, seconds: float = 3.0) -> Load:
    """Send the same request over and over. `head` is the request up to its empty line."""
    return asyncio.run(_drive(host, port, head.encode(), connections, seconds))


async def _drive(host: str, port: int, head: bytes, connections: int, seconds: float) -> Load:
    times: list[float] = []
    until = time.perf_counter() + seconds

    async def one() -> None:
        reader, writer = await asyncio.open_connection(host, port)
        while time.perf_counter() < until:
            started = time.perf_counter()
            writer.write(head)
            answer = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in answer.split(b"\r\n", 1)[0]:
                raise RuntimeError(answer.decode(errors="replace"))
            await reader.readexactly(_length(answer))
            times.append(time.perf_counter() - started)
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    took = time.perf_counter() - started
    cuts = statistics.quantiles(times, n=100)
    return Load(len(times) / took, cuts[49] * 1000, cuts[94] * 1000)


def _length(answer: bytes) -> int:
    for line in answer.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    raise RuntimeError("an answer without a length")
