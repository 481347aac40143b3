"""CSV files as people have them: each gives records with their lines, or a sentence, never a traceback."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoloop.businesses.csvfile import Format, NotCsv, Records, detect, guess_mapping
from autoloop.businesses.csvfile.lines import split_lines

EXAMPLE = Path(__file__).parents[3] / "examples" / "businesses.csv"


def read(raw: bytes, size: int = 7):
    """All records, the file coming in pieces of `size` bytes."""
    probe = detect(raw, is_utf8=_utf8(raw))
    data = raw[probe.format.offset :]
    records = Records(
        [data[n : n + size] for n in range(0, len(data), size)],
        probe.format,
        probe.format.offset,
        probe.format.line,
    )
    return probe, list(records), records


def _utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize(
    "raw",
    [
        "Name,Email\nZoë,zoe@a.example\n".encode(),
        "\ufeffName,Email\r\nZoë,zoe@a.example\r\n".encode(),
        "Name;Email\nZoë;zoe@a.example".encode("latin-1"),
        "Name\tEmail\r\nZoë\tzoe@a.example\r\n".encode("windows-1252"),
        "Name|Email\n\n\nZoë|zoe@a.example\n\n".encode(),
        "sep=;\nName;Email\nZoë;zoe@a.example\n".encode(),
        b"Name,Email\rZo\xc3\xab,zoe@a.example\r",
        "Members of 2026\n\nName,Email\nZoë,zoe@a.example\n".encode(),
    ],
    ids=["utf-8", "mark", "latin-1", "tab", "bar", "sep", "mac", "title"],
)
def test_one_table_in_many_forms(raw: bytes) -> None:
    probe, rows, records = read(raw)
    assert probe.columns == ["Name", "Email"]
    assert [row.cells for row in rows] == [["Zoë", "zoe@a.example"]]
    assert not rows[0].problem
    assert records.offset == len(raw)


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \r\n\n", "empty"),
        (b"\n<!DOCTYPE html><html><body>Sign in, please</body></html>", "web page"),
        (b"PK\x03\x04rest of a workbook", "workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "workbook"),
        (b"%PDF-1.7", "no table"),
        (b'[{"email": "a@b.example"}]', "JSON"),
        (bytes(range(32)) * 50, "binary"),
        (b",".join(b"c" for _ in range(2000)) + b"\n", "columns"),
    ],
)
def test_what_is_no_csv_is_named(raw: bytes, word: str) -> None:
    with pytest.raises(NotCsv, match=word):
        detect(raw)


def test_quoted_newlines_keep_their_line_numbers() -> None:
    _, rows, _ = read(b'Name,Note\nAda,"one\ntwo\r\nthree"\nBob,x\n')
    assert [(row.line, row.cells) for row in rows] == [(2, ["Ada", "one\ntwo\r\nthree"]), (5, ["Bob", "x"])]


def test_a_quote_never_closed_costs_one_line() -> None:
    _, rows, _ = read(b'Name,Note\nAda,"lost\nBob,x\nCy,"12"" pipe"\nDee,5" pipe\nEve,"a"b\nFay,"end')
    assert [(row.line, row.cells[0], bool(row.problem)) for row in rows] == [
        (2, 'Ada,"lost', True),
        (3, "Bob", False),
        (4, "Cy", False),
        (5, "Dee", False),
        (6, "Eve", False),
        (7, 'Fay,"end', True),
    ]


def test_nul_and_endless_cells_are_refused_by_row() -> None:
    raw = b"Name,Note\nAda,x\0y\nBob," + b"z" * 140_000 + b"\nCy," + b"w" * 1_200_000 + b"\nDee,ok\n"
    _, rows, records = read(raw, size=65_536)
    assert [(row.line, bool(row.problem)) for row in rows] == [(2, True), (3, True), (4, True), (5, False)]
    assert all("\0" not in cell for row in rows for cell in row.cells)
    assert records.offset == len(raw)


def test_reading_goes_on_anywhere() -> None:
    """Whoever begins at a record's end finds exactly the rest: nothing twice, nothing lost."""
    raw = EXAMPLE.read_bytes()[:20_000] + b'x,"unclosed\ny,z\n' + "Zürich;é\n".encode("latin-1") * 3
    probe, rows, _ = read(raw, size=4096)
    form = probe.format
    first = Records([raw[form.offset :]], form, form.offset, form.line)
    seen = []
    for row in first:
        seen.append(row)
        if len(seen) % 17 == 0:
            rest = list(Records([raw[first.offset :]], form, first.offset, first.line))
            assert [(r.line, r.cells, r.problem) for r in rest] == [
                (r.line, r.cells, r.problem) for r in rows[len(seen) :]
            ]
    assert len(seen) == len(rows)


@given(
    st.lists(st.lists(st.text(max_size=20), min_size=2, max_size=4), min_size=1, max_size=8),
    st.integers(1, 50),
)
def test_what_a_writer_wrote_is_read(rows: list[list[str]], size: int) -> None:
    out = io.StringIO()
    clean = [[cell.replace("\0", "").replace("\ufeff", "").replace("\r", "") for cell in row] for row in rows]
    csv.writer(out).writerows([["x", *row] for row in clean])
    raw = out.getvalue().encode("utf-8", "replace")
    form = Format(",", "utf-8", "\n", header=False)
    got = [r.cells for r in Records([raw[n : n + size] for n in range(0, len(raw), size)], form)]
    assert got == list(csv.reader(io.StringIO(raw.decode(), newline="")))


@given(st.binary(max_size=400))
def test_no_bytes_raise(raw: bytes) -> None:
    try:
        probe, _, records = read(raw)
    except NotCsv:
        return
    assert records.offset == len(raw) or probe.format.offset == len(raw)


def test_lines_are_bounded() -> None:
    lines = list(split_lines([b"ab\ncd", b"ef" * 20 + b"\ngh"], longest=10))
    assert [len(line) for line in lines] == [3, 42, 2]
    assert lines[1].size == 43


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            [
                "Company Name",
                "Website",
                "City",
                "Country",
                "Industry",
                "First name",
                "Last Name",
                "E-mail",
                "Job title",
            ],
            [
                "business.name",
                "business.website",
                "business.city",
                "business.country",
                "business.fields.industry",
                "first_name",
                "last_name",
                "email",
                "title",
            ],
        ),
        (
            ["Firma", "Vorname", "Nachname", "E-Mail-Adresse", "Ort"],
            ["business.name", "first_name", "last_name", "email", "business.city"],
        ),
        (
            ["Entreprise", "Prénom", "Nom", "Courriel", "Poste"],
            ["business.name", "first_name", "last_name", "email", "title"],
        ),
        (
            ["Empresa", "Nombre", "Apellidos", "Correo electrónico"],
            ["business.name", "first_name", "last_name", "email"],
        ),
        (["Name", "Email"], ["full_name", "email"]),
        (["Name", "Domain"], ["business.name", "business.domain"]),
        (["email", "email (2)", "Plan"], ["email", "fields.email_2", "fields.plan"]),
    ],
)
def test_columns_are_guessed_by_name(columns: list[str], expected: list[str]) -> None:
    sample = [[f"value {n}" for n in range(len(columns))]]
    assert list(guess_mapping(columns, sample).values()) == expected


def test_columns_are_guessed_by_their_values() -> None:
    samples = [
        ["ada@a.example", "https://a.example", "+44 20 7946 0000", ""],
        ["b@b.example", "www.b.example", "", ""],
    ]
    assert list(guess_mapping(["Column 1", "x", "y", "z"], samples).values()) == [
        "email",
        "business.website",
        "phone",
        "",
    ]
