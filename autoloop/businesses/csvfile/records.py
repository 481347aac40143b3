"""Records of a CSV file, each with its line number and the byte where it ends. No input raises."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from autoloop.businesses.csvfile.detect import Format, decode
from autoloop.businesses.csvfile.lines import Oversized, split_lines

__all__ = ["Record", "Records"]

MOST_LINES = 200  # of one record: more is a quote that was never closed


@dataclass(slots=True)
class Record:
    """One record. `problem` says, for people, why its cells cannot be used; it is empty for a good one."""

    line: int
    cells: list[str]
    problem: str = ""


@dataclass
class Records:
    """The records of a file from byte `offset`, which begins line `line`.

    After each record, `offset` and `line` are where the next one begins: reading can go on from there
    in another process. A record that makes no sense costs one line, never the rest of the file.
    """

    pieces: Iterable[bytes]
    format: Format
    offset: int = 0
    line: int = 1
    _held: list[bytes] = field(default_factory=list, repr=False)
    _again: deque[bytes] = field(default_factory=deque, repr=False)

    def __iter__(self) -> Iterator[Record]:
        lines = split_lines(self.pieces, self.format.newline.encode())
        feed = self._feed(lines)
        reader = csv.reader(feed, delimiter=self.format.delimiter, strict=True)
        while True:
            start = self.line
            self._held.clear()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield self._recover(start, str(error))
                # csv.reader cannot go on after its source has ended or failed.
                feed = self._feed(lines)
                reader = csv.reader(feed, delimiter=self.format.delimiter, strict=True)
                continue
            if len(self._held) > MOST_LINES:
                yield self._unclosed(start)
                continue
            if not cells or (not cells[0].strip() and not any(cell.strip() for cell in cells)):
                continue
            yield self._checked(start, cells)

    def _feed(self, lines: Iterator[bytes]) -> Iterator[str]:
        encoding = self.format.encoding
        held, again = self._held, self._again
        while True:
            raw = again.popleft() if again else next(lines, None)
            if raw is None:
                return
            held.append(raw)
            self.line += 1
            self.offset += raw.size if isinstance(raw, Oversized) else len(raw)
            yield decode(raw, encoding)

    def _checked(self, start: int, cells: list[str]) -> Record:
        for raw in self._held:
            if isinstance(raw, Oversized):
                return Record(
                    start, _safe(cells), f"the line has {raw.size:,} bytes, which is too long for a row"
                )
            if b"\0" in raw:
                return Record(start, _safe(cells), "the row has NUL characters, as binary files do")
        return Record(start, cells)

    def _recover(self, start: int, error: str) -> Record:
        """Take the first line by itself, if that works; the lines after it are read again."""
        if len(self._held) > 1 or "unexpected end" in error:
            return self._unclosed(start)
        text = decode(self._held[0], self.format.encoding)
        if isinstance(self._held[0], Oversized):
            return self._checked(start, [text])
        try:
            tidy = text.rstrip("\r\n").replace("\r", " ")
            return self._checked(start, next(csv.reader([tidy], delimiter=self.format.delimiter)))
        except (csv.Error, StopIteration):
            return Record(start, _safe([text]), "a cell is larger than 131,072 characters")

    def _unclosed(self, start: int) -> Record:
        first, rest = self._held[0], self._held[1:]
        self._again.extendleft(reversed(rest))
        self.line = start + 1
        self.offset -= sum(raw.size if isinstance(raw, Oversized) else len(raw) for raw in rest)
        text = decode(first, self.format.encoding)
        return Record(start, _safe([text.rstrip("\r\n")]), "a quotation mark is opened and never closed")


def _safe(cells: list[str]) -> list[str]:
    """What the database can keep of a bad row: no NUL, and not more than anyone would read."""
    return [cell.replace("\0", "\ufffd")[:10_000] for cell in cells[:500]]
