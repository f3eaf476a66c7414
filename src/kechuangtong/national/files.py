"""National records as files: a workbook with one sheet a type, and JSON; both made part by part."""

import json
import tempfile
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import IO, Final

import xlsxwriter
from anyio import to_thread

from kechuangtong.core.db import Database
from kechuangtong.national.records import TYPES
from kechuangtong.national.service import Part, parts

_BLOCK: Final = 1 << 16
_CELL: Final = 32_767  # characters that a cell holds
# No text ever becomes a formula or a link.
_PLAIN: Final = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}


async def as_json(database: Database, organization_id: uuid.UUID, year: int) -> AsyncIterator[str]:
    """`{"year", "organization_id", "types": [{"number", "name", "records"}]}`; amounts are decimal
    strings."""
    yield f'{{"year": {year}, "organization_id": "{organization_id}", "types": ['
    shown = None
    async with database.snapshot() as session:
        async for record_type, records in parts(session, organization_id, year):
            if record_type is not shown:
                head = json.dumps(
                    {"number": record_type.number, "name": record_type.name}, ensure_ascii=False
                )
                yield f'{"" if shown is None else "]},"}\n{head[:-1]}, "records": ['
                shown, first = record_type, True
            for record in records:
                text = json.dumps(record, ensure_ascii=False, default=str)
                yield f"{'' if first else ','}\n{text}"
                first = False
    yield "]}]}\n"


async def as_xlsx(
    database: Database, organization_id: uuid.UUID, year: int
) -> AsyncIterator[bytes]:
    """A sheet a type: the dictionary's names of the fields, what they are called, then records."""
    with tempfile.TemporaryFile() as file:
        book = await to_thread.run_sync(_Book, file)
        async with database.snapshot() as session:
            async for part in parts(session, organization_id, year):
                await to_thread.run_sync(book.write, part)
        await to_thread.run_sync(book.close)
        file.seek(0)
        while block := await to_thread.run_sync(file.read, _BLOCK):
            yield block


class _Book:
    def __init__(self, file: IO[bytes]) -> None:
        self._book = xlsxwriter.Workbook(file, _PLAIN)
        self._amount = self._book.add_format({"num_format": "0.00"})
        bold = self._book.add_format({"bold": True})
        self._sheets = {}
        self._rows = {}
        for one in TYPES:
            sheet = self._book.add_worksheet(one.name)
            sheet.freeze_panes(2, 1)
            sheet.set_column(0, len(one.fields) - 1, 16)
            for column, field in enumerate(one.fields):
                sheet.write_string(0, column, field.name)
            for column, field in enumerate(one.fields):
                sheet.write_string(1, column, field.title, bold)
            self._sheets[one.number], self._rows[one.number] = sheet, 2

    def write(self, part: Part) -> None:
        record_type, records = part
        sheet = self._sheets[record_type.number]
        for record in records:
            row = self._rows[record_type.number]
            for column, value in enumerate(record.values()):
                if isinstance(value, Decimal):
                    sheet.write_number(row, column, value, self._amount)
                elif value:
                    sheet.write_string(row, column, value[:_CELL])
            self._rows[record_type.number] += 1

    def close(self) -> None:
        self._book.close()
