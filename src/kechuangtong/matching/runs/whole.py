"""Matching the whole of the two lists at once, without keeping what is found."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from anyio import to_thread
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from kechuangtong.accounts.actor import ANONYMOUS
from kechuangtong.core.db import Database
from kechuangtong.core.language import Text
from kechuangtong.lists.queries import in_state
from kechuangtong.matching.runs.workbook import PairSheet
from kechuangtong.matching.schemas import MatchedPair, Matches, MatchQuery
from kechuangtong.matching.service import Matcher, show_pair
from kechuangtong.models import Demand
from kechuangtong.models.listing import ListingState

PER_DEMAND: Final = 10


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
            ranking, pairs = await matcher.best(session, ANONYMOUS, demand, query)
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
        await to_thread.run_sync(_write_workbook, path, matches)


def _write_workbook(path: Path, matches: Matches[MatchedPair]) -> None:
    with path.open("wb") as file:
        sheet = PairSheet(file)
        for one in matches.items:
            sheet.write(demand_id=one.demand.id, achievement_id=one.achievement.id, **dict(one))
        sheet.close()
