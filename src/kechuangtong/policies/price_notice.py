"""How long the price of an achievement of a public owner is on notice (协议定价公示).

The rules are data (`price_notice.json`) with their dates, regions and sources.
"""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class NoticeRule:
    """So many days at least, in a region (None: everywhere else), in force from the first date
    until the last, if any; `verified` where the figures were read in the published text."""

    region: str | None
    days: int
    in_force_from: date
    in_force_until: date | None
    verified: bool
    source: str

    def until(self, on: date) -> date:
        """The last day of a notice that is put up on a day, which itself does not count (民法典
        art. 201)."""
        return on + timedelta(days=self.days)


@cache
def _table() -> tuple[NoticeRule, ...]:
    path = files("kechuangtong.policies").joinpath("price_notice.json")
    return tuple(
        NoticeRule(
            region=entry["region"],
            days=entry["days"],
            in_force_from=date.fromisoformat(entry["in_force_from"]),
            in_force_until=date.fromisoformat(until)
            if (until := entry["in_force_until"])
            else None,
            verified=entry["verified"],
            source=entry["source"],
        )
        for entry in json.loads(path.read_text(encoding="utf-8"))["rules"]
    )


def at(on: date, region: str | None) -> NoticeRule | None:
    """The rule in force on a day at a place: the region's own, else that of all."""
    in_force = [
        one
        for one in _table()
        if one.in_force_from <= on and (one.in_force_until is None or on <= one.in_force_until)
    ]
    for one in in_force:
        if one.region is not None and one.region in (region or ""):
            return one
    return next((one for one in in_force if one.region is None), None)
