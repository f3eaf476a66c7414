"""Imports as they are shown, and the report of their rows."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import UploadFile
from pydantic import AfterValidator, Field

from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import NO_NUL, Input, Line, Output
from kechuangtong.core.trade import ListKind
from kechuangtong.models.importing import ImportState, Outcome


def _named_sanely(file: UploadFile) -> UploadFile:
    if "\x00" in (file.filename or ""):
        raise ValueError(NO_NUL)
    return file


class ImportForm(Input):
    """A list as an office sends it."""

    file: Annotated[
        UploadFile, AfterValidator(_named_sanely), Field(description=".xlsx, .xls or .csv")
    ]
    kind: Annotated[ListKind, Field(description="The list that it fills (清单种类)")]
    organization: Annotated[
        Line | None, Field(description="Code, id or name of the organization (单位)")
    ] = None
    dry_run: Annotated[bool, Field(description="Only say what would become of each row")] = False


class Counts(Output):
    """Rows by outcome; they add up to the rows dealt with."""

    created: int
    changed: int
    unchanged: int
    duplicate: int
    refused: int


class ImportFailure(Output):
    """Why a file was not imported at all."""

    code: str
    message: str


class ImportRead(Output):
    """An import (导入): `done` of `total` rows have been dealt with."""

    id: uuid.UUID
    kind: ListKind
    organization_id: uuid.UUID | None
    file: str
    dry_run: bool
    state: ImportState
    total: int | None
    done: int
    counts: Counts
    failure: ImportFailure | None
    created_at: datetime
    finished_at: datetime | None


class RowProblem(Output):
    """What is wrong with a cell: its column as typed, what was read, and why it was refused."""

    column: str | None
    code: str
    value: str | None
    message: str


class RowReport(Output):
    """One row with content and what became of it."""

    row: int = Field(description="The sheet's own number, from 1")
    outcome: Outcome
    of_row: int | None = Field(description="For a duplicate: the row that it repeats")
    problems: list[RowProblem]


class Report(Output):
    """The rows of an import."""

    kind: ListKind
    file: str
    sheet: str | None
    header_row: int | None
    columns: dict[str, str | None] = Field(description="Header as typed: field, or null")
    counts: Counts
    rows: list[RowReport]


class ImportQuery(PageQuery):
    """Filters of the imports."""

    state: ImportState | None = None
