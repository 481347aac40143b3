"""Raw lines out of pieces of a file, with a bound on the length of one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

__all__ = ["LONGEST", "Oversized", "split_lines"]

LONGEST = 1_000_000


class Oversized(bytes):
    """The beginning of a line that was too long to be held; `size` is its whole length in bytes."""

    size: int


def split_lines(pieces: Iterable[bytes], newline: bytes = b"\n", longest: int = LONGEST) -> Iterator[bytes]:
    """Each line with its newline. Holds at most one piece and one line in memory."""
    tail = b""
    skipped = 0
    for piece in pieces:
        lines = (tail + piece).split(newline)
        tail = lines.pop()
        for line in lines:
            if skipped or len(line) > longest:
                yield _oversized(line, skipped + len(line) + len(newline))
                skipped = 0
            else:
                yield line + newline
        if len(tail) > longest:
            skipped += len(tail) - 1000
            tail = tail[:1000]
    if skipped:
        yield _oversized(tail, skipped + len(tail))
    elif tail:
        yield tail


def _oversized(line: bytes, size: int) -> Oversized:
    cut = Oversized(line[:1000])
    cut.size = size
    return cut
