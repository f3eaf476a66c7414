"""The two lists beside the project: the rows that are refused, and why, are those expected."""

import json
from pathlib import Path
from typing import Any

import pytest

from kechuangtong.core.text import identity
from kechuangtong.core.trade import ImportKind
from kechuangtong.imports.reading import Limits, read_table
from kechuangtong.imports.rows import ParsedRow, ParsedSheet, parse_sheet

LIMITS = Limits(file_bytes=50_000_000, rows=100_000, columns=200)


def read(
    shared: Path, name: str, kind: ImportKind
) -> tuple[ParsedSheet, dict[str, Any], dict[str, str]]:
    """A list, what is expected of it, and the codes of the reasons that are expected."""
    expected = json.loads((shared / "lists" / "expected.json").read_text(encoding="utf-8"))
    listed = parse_sheet(read_table(shared / "lists" / name, limits=LIMITS), kind)
    return listed, expected[Path(name).stem], expected["reason_codes"]


LISTS = pytest.mark.parametrize(
    ("name", "kind"),
    [("achievements.xlsx", ImportKind.ACHIEVEMENT), ("demands.csv", ImportKind.DEMAND)],
)


@LISTS
def test_refused_rows_and_their_codes_are_those_expected(
    shared: Path, name: str, kind: ImportKind
) -> None:
    listed, expected, codes = read(shared, name, kind)
    refused = {
        str(row.number): {one.code for one in row.problems} for row in listed.rows if row.problems
    }
    assert refused == {row: {codes[reason]} for row, reason in expected["error_rows"].items()}


@LISTS
def test_every_row_with_content_is_counted(shared: Path, name: str, kind: ImportKind) -> None:
    listed, expected, _ = read(shared, name, kind)
    assert len(listed.rows) == expected["rows_with_content"]
    assert len({row.number for row in listed.rows}) == len(listed.rows)


@LISTS
def test_repeated_rows_are_those_expected(shared: Path, name: str, kind: ImportKind) -> None:
    listed, expected, _ = read(shared, name, kind)

    def key(row: ParsedRow) -> tuple[str, str]:
        return identity(row.values.get("number") or ""), identity(row.values["title"])

    seen: set[tuple[str, str]] = set()
    repeated = []
    for row in listed.rows:
        if not row.problems:
            if key(row) in seen:
                repeated.append(row.number)
            seen.add(key(row))
    assert repeated == expected["duplicate_rows"]
    assert len(seen) == expected["accepted"]
