"""Imports as they are shown, and the report of their rows."""

import uuid
from datetime import datetime
from typing import Annotated, Self

from fastapi import UploadFile
from pydantic import AfterValidator, Field, Json, model_validator

from kechuangtong.core.language import Text
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import NO_NUL, Input, Line, Output
from kechuangtong.core.trade import ImportKind
from kechuangtong.imports.columns import SEVERAL
from kechuangtong.imports.fields import fields_of
from kechuangtong.models.importing import ImportState, Outcome

_NO_FIELD = Text(
    "columns 中没有字段“{field}”；可用：{fields}",
    'columns: there is no field "{field}"; there are: {fields}',
)
_TWICE = Text(
    "columns 中只能有一列对应“{field}”", 'columns: only one column can be mapped to "{field}"'
)


def _named_sanely(file: UploadFile) -> UploadFile:
    if "\x00" in (file.filename or ""):
        raise ValueError(NO_NUL)
    return file


class ImportForm(Input):
    """A list as an office sends it."""

    file: Annotated[
        UploadFile, AfterValidator(_named_sanely), Field(description=".xlsx, .xls or .csv")
    ]
    kind: Annotated[ImportKind, Field(description="The list that it fills (清单种类)")]
    organization: Annotated[
        Line | None, Field(description="Code, id or name of the organization (单位)")
    ] = None
    dry_run: Annotated[bool, Field(description="Only say what would become of each row")] = False

    columns: Annotated[
        Json[dict[Line, str | None]] | None,
        Field(
            description='What columns mean, as JSON: {"header as typed": "field" or null}, null '
            "where it is not to be read; fields are those of `/v1/imports/fields/{kind}`"
        ),
    ] = None

    @model_validator(mode="after")
    def _columns_are_of_the_list(self) -> Self:
        told = [field for field in (self.columns or {}).values() if field is not None]
        known = [one.field for one in fields_of(self.kind)]
        for field in told:
            if field not in known:
                raise ValueError(_NO_FIELD.format(field=field, fields=", ".join(known)))
            if told.count(field) > 1 and field not in SEVERAL:
                raise ValueError(_TWICE.format(field=field))
        return self


class FieldRead(Output):
    """A field of a list (清单字段)."""

    field: str
    header: str = Field(description="Its header in templates and exports")
    name_zh: str
    name_en: str
    meant: str
    choices: list[str]
    required: bool


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
    kind: ImportKind
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

    kind: ImportKind
    file: str
    sheet: str | None
    header_row: int | None
    columns: dict[str, str | None] = Field(description="Header as typed: field, or null")
    counts: Counts
    rows: list[RowReport]


class ImportQuery(PageQuery):
    """Filters of the imports."""

    state: ImportState | None = None


class RowQuery(PageQuery):
    """Which rows of an import."""

    limit: Annotated[int, Field(ge=1, le=100)] = 50
    outcome: Outcome | None = None


class ListedRow(RowReport):
    """A row with the record that it made or met, where the reader may see that."""

    record_id: uuid.UUID | None = None
    title: str | None = None
