"""What kind of file this is: encoding, delimiter, header. Or that it is no CSV at all, and what to do."""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from autoloop.businesses.addresses import BadAddress, normal_email

__all__ = ["ENCODINGS", "Format", "NotCsv", "Probe", "decode", "detect", "transcoder"]

DELIMITERS = (",", ";", "\t", "|")
# Every one of them has ASCII's bytes for quotes, delimiters and newlines, so lines can be cut before decoding.
ENCODINGS = (
    "utf-8",
    "windows-1252",
    "iso-8859-1",
    "iso-8859-15",
    "windows-1250",
    "windows-1251",
    "mac_roman",
)
HEAD = 65_536
MOST_COLUMNS = 500


class NotCsv(ValueError):
    """The file cannot be read as a table; the message says what it is and what to do."""


@dataclass(frozen=True, slots=True)
class Format:
    """How to read a file. `offset` and `line` are where the data begins, after mark, preamble and header."""

    delimiter: str = ","
    encoding: str = "utf-8"
    newline: str = "\n"
    header: bool = True
    offset: int = 0
    line: int = 1

    def plain(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Probe:
    """What was found: the format, the columns' names, and some rows."""

    format: Format
    columns: list[str]
    samples: list[list[str]]


def decode(raw: bytes, encoding: str) -> str:
    """A line's text. Files mix encodings, so a line that is no UTF-8 is taken as Windows-1252, and back."""
    if encoding in ("utf-8", "windows-1252"):
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            try:
                return raw.decode("windows-1252")
            except UnicodeDecodeError:
                return raw.decode("iso-8859-1")
    return raw.decode(encoding, "replace")


def transcoder(head: bytes) -> codecs.IncrementalDecoder | None:
    """A decoder for files in UTF-16, as Excel's "Unicode text": they are kept in UTF-8. None for others."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return codecs.getincrementaldecoder("utf-16")("replace")
    sample = head[:2000]
    for name, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[0::2])):
        if len(sample) > 20 and zeros.count(0) > 0.8 * len(zeros):
            return codecs.getincrementaldecoder(name)("replace")
    return None


def detect(
    head: bytes, *, is_utf8: bool = True, encoding: str | None = None, delimiter: str | None = None
) -> Probe:
    """Look at the first bytes of a file. Raises NotCsv.

    `is_utf8` says whether the whole file can be read as UTF-8, which the head alone does not show.
    """
    _refuse_others(head)
    mark = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
    encoding = encoding or ("utf-8" if is_utf8 or mark else "windows-1252")
    if encoding not in ENCODINGS:
        raise NotCsv(
            f"“{encoding}” is no encoding that can be read here. Use one of: {', '.join(ENCODINGS)}."
        )
    head = head[mark : mark + HEAD]
    newline = "\r" if b"\n" not in head and b"\r" in head else "\n"
    if len(head) >= HEAD - mark and newline.encode() in head:
        head = head[: head.rindex(newline.encode()) + 1]
    lines = head.split(newline.encode())
    lines = [line + newline.encode() for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    skipped = 0
    told = _told_delimiter(lines[0], encoding) if lines else None
    if told:
        skipped = 1
    texts = [decode(line, encoding) for line in lines[skipped : skipped + 400]]
    chosen = delimiter or told or _likely_delimiter(texts)
    return _probe(lines, texts, skipped, mark, Format(chosen, encoding, newline))


def _refuse_others(head: bytes) -> None:
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if not start:
        raise NotCsv("The file is empty.")
    low = start[:200].lower()
    if low.startswith(
        (b"<!doctype", b"<html", b"<head", b"<body", b"<table", b"<div", b"<?xml", b"<meta", b"<script")
    ):
        raise NotCsv(
            "This is a web page, not a table: the download it came from probably asked for a sign-in. "
            "Download it again and check that it opens in a text editor."
        )
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise NotCsv(
            "This is a workbook or an archive. Open it in your spreadsheet program and save it as CSV (UTF-8)."
        )
    if start.startswith((b"%PDF", b"\x1f\x8b", b"\x89PNG", b"\xff\xd8\xff", b"Rar!", b"7z\xbc\xaf")):
        raise NotCsv("This is no table of text. Save the list as CSV (UTF-8) and upload that.")
    if low[:1] in (b"{", b"[") and b'"' in low[:50]:
        raise NotCsv("This is JSON. Save the list as CSV, or send it through the API.")
    controls = sum(1 for byte in head[:4096] if byte < 9 or 13 < byte < 32)
    if controls > len(head[:4096]) * 0.1:
        raise NotCsv(
            "This is a binary file, not a table of text. Save the list as CSV (UTF-8) and upload that."
        )


def _told_delimiter(line: bytes, encoding: str) -> str | None:
    """Excel's own first line: sep=;"""
    text = decode(line, encoding).strip().strip('"')
    return text[4] if len(text) == 5 and text.lower().startswith("sep=") and text[4] in DELIMITERS else None


def _parse(texts: list[str], delimiter: str, most: int = 50) -> list[list[str]]:
    rows: list[list[str]] = []
    reader = csv.reader((text.replace("\0", "") for text in texts), delimiter=delimiter)
    while len(rows) < most:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error:
            continue
        if any(cell.strip() for cell in row):
            rows.append(row)
    return rows


def _likely_delimiter(texts: list[str]) -> str:
    """The one that cuts most rows into the same number of cells, and into more than one."""
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        rows = _parse(texts, delimiter)
        if not rows:
            continue
        (width, count), *_ = Counter(len(row) for row in rows).most_common(1)
        if width > 1 and (count / len(rows), width) > best_score:
            best, best_score = delimiter, (round(count / len(rows), 1), width)
    return best


def _probe(lines: list[bytes], texts: list[str], skipped: int, mark: int, form: Format) -> Probe:
    rows = _parse(texts, form.delimiter)
    if not rows:
        raise NotCsv("The file is empty.")
    width = Counter(len(row) for row in rows).most_common(1)[0][0]
    if width > MOST_COLUMNS:
        raise NotCsv(f"The file has {width:,} columns; {MOST_COLUMNS} can be taken. Check the delimiter.")
    # Titles above the table: rows of one cell where the table has more.
    above = 0
    while width > 1 and above < min(5, len(rows) - 1) and sum(1 for cell in rows[above] if cell.strip()) == 1:
        above += 1
    header = not any(_is_email(cell) for cell in rows[above])
    if not header:
        columns = [f"Column {n + 1}" for n in range(len(rows[above]))]
        start = _end_of(lines, skipped, form.delimiter, form.encoding, above)
        samples = rows[above:]
    else:
        columns = _unique(rows[above])
        start = _end_of(lines, skipped, form.delimiter, form.encoding, above + 1)
        samples = rows[above + 1 :]
    offset = mark + sum(len(line) for line in lines[:start])
    placed = Format(form.delimiter, form.encoding, form.newline, header, offset, start + 1)
    return Probe(placed, columns, samples[:20])


def _end_of(lines: list[bytes], start: int, delimiter: str, encoding: str, rows: int) -> int:
    """The index of the line after the first `rows` rows that are not blank."""
    position = start

    def feed() -> Any:
        nonlocal position
        while position < len(lines):
            position += 1
            yield decode(lines[position - 1], encoding).replace("\0", "")

    reader = csv.reader(feed(), delimiter=delimiter)
    while rows > 0:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error:
            continue
        if any(cell.strip() for cell in row):
            rows -= 1
    return position


def _is_email(cell: str) -> bool:
    if "@" not in cell:
        return False
    try:
        normal_email(cell)
    except BadAddress:
        return False
    return True


def _unique(header: list[str]) -> list[str]:
    """Names of columns: none empty, none twice."""
    names: list[str] = []
    for n, cell in enumerate(header):
        base = " ".join(cell.replace("\0", "").split())[:200] or f"Column {n + 1}"
        name, again = base, 2
        while name in names:
            name, again = f"{base} ({again})", again + 1
        names.append(name)
    return names
