"""Matching the whole of the two lists."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import xlsxwriter
from anyio import to_thread
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from kechuangtong.accounts.actor import ANONYMOUS
from kechuangtong.core.db import Database
from kechuangtong.core.language import Text
from kechuangtong.core.trade import ListKind
from kechuangtong.lists.queries import in_state
from kechuangtong.matching import store
from kechuangtong.matching.schemas import MatchedPair, Matches, MatchQuery
from kechuangtong.matching.service import Matcher, show_pair
from kechuangtong.models import Demand
from kechuangtong.models.listing import ListingState
from kechuangtong.search.service import index_filter

PER_DEMAND: Final = 10

_COLUMNS: Final = (
    ("需求", 36),
    ("需求单位", 22),
    ("成果", 36),
    ("成果单位", 22),
    ("匹配度", 8),
    ("等级", 6),
    ("符合", 60),
    ("不符", 60),
    ("需求 ID", 38),
    ("成果 ID", 38),
)


async def match_all(
    database: Database, matcher: Matcher, progress: Callable[[int, int], None]
) -> Matches[MatchedPair]:
    """The best ten achievements for each published demand that has not expired."""
    query = MatchQuery(limit=PER_DEMAND)
    items: list[MatchedPair] = []
    degraded: Text | None = None
    async with database.read() as session:
        ids = list(
            await session.scalars(
                select(Demand.id)
                .where(in_state(Demand, ListingState.PUBLISHED))
                .order_by(Demand.id)
            )
        )
    for done, demand_id in enumerate(ids, 1):
        async with database.read() as session:
            demand = await session.get_one(
                Demand, demand_id, options=[joinedload(Demand.organization)]
            )
            ranking = await matcher.rank(
                session,
                ListKind.ACHIEVEMENT,
                store.profile(demand),
                store.inputs(demand),
                index_filter(query, ANONYMOUS),
            )
            pairs = await matcher.pairs(session, ANONYMOUS, demand, ranking, query)
        items += [show_pair(pair, ANONYMOUS) for pair in pairs]
        degraded = degraded or ranking.degraded
        progress(done, len(ids))
    return matcher.matches(items, degraded)


async def write_matches(path: Path, matches: Matches[MatchedPair]) -> None:
    """Write matches as .json, as the API gives them, or as an .xlsx with the reasons."""
    if path.suffix.lower() == ".json":
        data = matches.model_dump(mode="json", by_alias=True)
        text = json.dumps(data, ensure_ascii=False, indent=1) + "\n"
        await to_thread.run_sync(lambda: path.write_text(text, encoding="utf-8"))
    else:
        await to_thread.run_sync(_write_workbook, path, matches.items)


def _write_workbook(path: Path, items: Sequence[MatchedPair]) -> None:
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(path, options) as book:
        sheet = book.add_worksheet("匹配")
        bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True})
        sheet.freeze_panes(1, 0)
        for column, (name, width) in enumerate(_COLUMNS):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, name, bold)
        for row, one in enumerate(items, 1):
            values: list[str | float] = [
                one.demand.title,
                one.demander,
                one.achievement.title,
                one.achievement.organization.name,
                one.score,
                one.grade,
                "\n".join(reason.text for reason in one.reasons.for_),
                "\n".join(reason.text for reason in one.reasons.against),
                str(one.demand.id),
                str(one.achievement.id),
            ]
            for column, value in enumerate(values):
                sheet.write(row, column, value, wrapped)
        sheet.autofilter(0, 0, max(len(items), 1), len(_COLUMNS) - 1)
