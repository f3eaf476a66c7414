"""An edition as a spreadsheet (.xlsx), for people."""

import json
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from typing import IO, Any, Final

import xlsxwriter
from anyio import to_thread

from kechuangtong.core.db import Database
from kechuangtong.core.trade import Cooperation, ListKind, OrganizationKind, PriceKind, Stage
from kechuangtong.editions import service

_BLOCK: Final = 1 << 16
_CELL: Final = 32_767  # characters that a cell holds

_ORGANIZATIONS: Final = {
    OrganizationKind.UNIVERSITY: "高校",
    OrganizationKind.INSTITUTE: "科研院所",
    OrganizationKind.LABORATORY: "实验室",
    OrganizationKind.ENTERPRISE: "企业",
    OrganizationKind.SERVICE_INSTITUTION: "科技服务机构",
    OrganizationKind.GOVERNMENT: "政府部门",
    OrganizationKind.BANK: "银行",
    OrganizationKind.FUND: "基金",
    OrganizationKind.PARK: "园区",
}
_STAGES: Final = {
    Stage.CONCEPT: "概念",
    Stage.LABORATORY: "实验室",
    Stage.BENCH: "小试",
    Stage.PILOT: "中试",
    Stage.INDUSTRIAL: "产业化",
}
_WAYS: Final = {
    Cooperation.TRANSFER: "技术转让",
    Cooperation.LICENSE: "技术许可",
    Cooperation.JOINT_DEVELOPMENT: "合作开发",
    Cooperation.COMMISSIONED_DEVELOPMENT: "委托开发",
    Cooperation.EQUITY: "作价入股",
    Cooperation.SERVICE: "技术服务",
    Cooperation.CONSULTING: "技术咨询",
    Cooperation.ANY: "均可",
}


def _price(price: Mapping[str, Any]) -> str:
    if price["kind"] == PriceKind.NEGOTIABLE:
        return "面议"
    if price["kind"] == PriceKind.FIXED:
        return str(price["low"])
    return "-".join(price[end] or "" for end in ("low", "high")) if _has_amount(price) else ""


def _has_amount(price: Mapping[str, Any]) -> bool:
    return price["low"] is not None or price["high"] is not None


def _trl(trl: Mapping[str, Any] | None) -> str:
    return "" if trl is None else f"{trl['level']}（{trl['scale']}）"


_Column = tuple[str, int, Callable[[Mapping[str, Any]], str | None]]


def _columns(kind: ListKind) -> list[_Column]:
    achievements = kind is ListKind.ACHIEVEMENT
    required = "" if achievements else "required_"
    columns: list[_Column] = [
        ("成果名称" if achievements else "需求名称", 40, lambda one: one["title"]),
        (
            "单位",
            26,
            lambda one: one["organization"]["name"] if one["organization"] else "匿名企业",
        ),
        (
            "单位性质",
            12,
            lambda one: one["organization"] and _ORGANIZATIONS.get(one["organization"]["kind"]),
        ),
        ("编号", 16, lambda one: one["number"]),
        ("所属领域", 16, lambda one: one["field"]),
        ("关键词", 24, lambda one: "；".join(one["keywords"])),
        ("简介" if achievements else "需求内容", 60, lambda one: one["description"]),
        (
            "成熟阶段" if achievements else "所需阶段",
            10,
            lambda one: _STAGES.get(one[f"{required}stage"]),
        ),
        ("技术成熟度", 14, lambda one: _trl(one[f"{required}trl"])),
        ("合作方式", 20, lambda one: "；".join(_WAYS.get(way, way) for way in one["cooperation"])),
        (
            "意向价格（元）" if achievements else "预算（元）",
            20,
            lambda one: _price(one["price" if achievements else "budget"]),
        ),
        ("所在地", 16, lambda one: one["place"]),
        ("有效期至", 12, lambda one: one["valid_until"]),
        ("发布时间（UTC）", 20, lambda one: (one["published_at"] or "")[:19]),
        ("ID", 38, lambda one: one["id"]),
    ]
    if achievements:
        rights: _Column = (
            "知识产权",
            24,
            lambda one: "；".join(right["number"] for right in one["intellectual_property"]),
        )
        columns.insert(-2, rights)
    return columns


async def xlsx(database: Database, kind: ListKind, number: int) -> AsyncIterator[bytes]:
    """An edition's records, one a row, in blocks of a file; it is made row by row on disk."""
    with tempfile.TemporaryFile() as file:
        sheet = await to_thread.run_sync(_Sheet, file, kind)
        async with database.read() as session:
            async for part in service.texts(session, kind, number):
                await to_thread.run_sync(sheet.write, [json.loads(text) for text in part])
        await to_thread.run_sync(sheet.close)
        file.seek(0)
        while block := await to_thread.run_sync(file.read, _BLOCK):
            yield block


class _Sheet:
    def __init__(self, file: IO[bytes], kind: ListKind) -> None:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._book = xlsxwriter.Workbook(file, options)
        self._sheet = self._book.add_worksheet("清单")
        self._columns = _columns(kind)
        self._row = 0
        bold = self._book.add_format({"bold": True})
        self._sheet.freeze_panes(1, 0)
        for column, (name, width, _) in enumerate(self._columns):
            self._sheet.set_column(column, column, width)
            self._sheet.write_string(0, column, name, bold)

    def write(self, records: list[dict[str, Any]]) -> None:
        for record in records:
            self._row += 1
            for column, (_, _, cell) in enumerate(self._columns):
                self._sheet.write_string(self._row, column, (cell(record) or "")[:_CELL])

    def close(self) -> None:
        self._sheet.autofilter(0, 0, max(self._row, 1), len(self._columns) - 1)
        self._book.close()
