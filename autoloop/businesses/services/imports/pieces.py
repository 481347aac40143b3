"""A file in pieces: kept in the database, so that any worker on any machine can go on with it."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select

from autoloop.base.errors import TooLarge
from autoloop.base.ids import new_id
from autoloop.base.services import Services
from autoloop.businesses.csvfile.detect import transcoder
from autoloop.businesses.models import ImportChunk

__all__ = ["PIECE", "Stored", "chunks_of", "forget_pieces", "read_pieces", "store_pieces"]

PIECE = 1 << 20
HEAD = 128 * 1024


class Stored:
    """What was learned of a file while it went by."""

    def __init__(self) -> None:
        self.size = 0
        self.newlines = 0
        self.head = b""
        self._utf8: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()

    def take(self, piece: bytes) -> None:
        self.size += len(piece)
        self.newlines += piece.count(b"\n") or piece.count(b"\r")
        if len(self.head) < HEAD:
            self.head += piece[: HEAD - len(self.head)]
        self._decode(piece)

    def end(self) -> None:
        self._decode(b"", final=True)

    @property
    def is_utf8(self) -> bool:
        return self._utf8 is not None

    def _decode(self, piece: bytes, *, final: bool = False) -> None:
        if self._utf8 is not None:
            try:
                self._utf8.decode(piece, final)
            except UnicodeDecodeError:
                self._utf8 = None


def chunks_of(file: Any, size: int = PIECE) -> Iterator[bytes]:
    """The pieces of a file object, as they are read."""
    while piece := file.read(size):
        yield piece


def store_pieces(services: Services, import_id: UUID, pieces: Iterable[bytes], most: int) -> Stored:
    """Keep a file, never more of it in memory than a few pieces. Raises TooLarge over `most` bytes."""
    stored = Stored()
    held = b""
    n = 0
    for piece in _transcoded(pieces):
        held += piece
        while len(held) >= PIECE:
            _store(services, import_id, n, held[:PIECE], stored, most)
            held, n = held[PIECE:], n + 1
    if held:
        _store(services, import_id, n, held, stored, most)
    stored.end()
    return stored


def _transcoded(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Files in UTF-16 become UTF-8; others pass as they are."""
    decoder, first = None, True
    for piece in pieces:
        if first:
            decoder, first = transcoder(piece), False
        yield decoder.decode(piece).encode("utf-8", "replace") if decoder else piece
    if decoder:
        yield decoder.decode(b"", True).encode("utf-8", "replace")


def _store(services: Services, import_id: UUID, n: int, piece: bytes, stored: Stored, most: int) -> None:
    stored.take(piece)
    if stored.size > most:
        raise TooLarge(f"A file for import may have {most // 1_000_000:,} MB at the most. Cut it in parts.")
    values = {
        "workspace_id": services.workspace_id,
        "id": new_id(),
        "import_id": import_id,
        "n": n,
        "data": piece,
    }
    services.session.execute(insert(ImportChunk).values(values))


def read_pieces(services: Services, import_id: UUID, offset: int) -> Iterator[bytes]:
    """The file's bytes from `offset` on, a piece at a time."""
    n, skip = divmod(offset, PIECE)
    while True:
        statement = select(ImportChunk.data).where(
            ImportChunk.workspace_id == services.workspace_id,
            ImportChunk.import_id == import_id,
            ImportChunk.n == n,
        )
        piece = services.session.scalar(statement)
        if piece is None:
            return
        yield bytes(piece[skip:])
        n, skip = n + 1, 0


def forget_pieces(services: Services, import_id: UUID) -> None:
    """The file is not needed any more."""
    services.session.execute(
        delete(ImportChunk).where(
            ImportChunk.workspace_id == services.workspace_id, ImportChunk.import_id == import_id
        )
    )
