"""The policy table: all dated rules of the platform, whichever file and reader they have."""

from collections.abc import Iterator
from datetime import date
from functools import cache
from types import MappingProxyType

from kechuangtong.core.language import Text
from kechuangtong.policies import (
    holidays,
    instrument_classes,
    instrument_use,
    ownership,
    price_notice,
    trl,
)
from kechuangtong.policies.rules import Rule, read

FILES = (
    "registration",
    "transaction_amounts",
    "rewards",
    "reward_shares",
    "reward_taxes",
    "transfer_taxes",
    "rd_deductions",
    "rd_scopes",
    "subsidies",
    "commissions",
)
"""The files of rules."""


@cache
def rules() -> tuple[Rule, ...]:
    """All rules, by id."""
    found = [rule for name in FILES for rule in read(name)]
    found += _holidays()
    found += _scales()
    found += _use_lines()
    found += _classes()
    found += _price_notices()
    found += _ownership()
    return tuple(sorted(found, key=lambda one: one.id))


def _holidays() -> Iterator[Rule]:
    for one in holidays.arrangements().values():
        yield Rule(
            id=f"holidays-{one.year}",
            title=Text(f"{one.year} 年节假日安排", f"Holidays of {one.year}"),
            source=one.source,
            in_force_from=date(one.year, 1, 1),
            in_force_until=date(one.year, 12, 31),
            verified=True,
            note=None,
            region=None,
            values=MappingProxyType(
                {
                    "rest": [day.isoformat() for day in sorted(one.rest)],
                    "work": [day.isoformat() for day in sorted(one.work)],
                }
            ),
        )
    for fixed in holidays.fixed():
        yield Rule(
            id=f"holidays-fixed-{fixed.in_force_from.year}",
            title=Text("日期固定的节日", "Holidays of a fixed date"),
            source=fixed.source,
            in_force_from=fixed.in_force_from,
            in_force_until=fixed.in_force_until,
            verified=True,
            note=Text(
                "安排尚未公布的年份只按这些日子和周末计算。",
                "Of years that are not arranged yet these and the weekends are known alone.",
            ),
            region=None,
            values=MappingProxyType({"days": sorted(fixed.days)}),
        )


def _scales() -> Iterator[Rule]:
    for one in trl.scales().values():
        yield Rule(
            id=f"trl-{one.id}",
            title=one.name,
            source=one.source,
            in_force_from=one.in_force_from,
            in_force_until=one.in_force_until,
            verified=one.verified,
            note=None,
            region=None,
            values=MappingProxyType(
                {"levels": one.levels, "level_names": one.level_names and list(one.level_names)}
            ),
        )


def _use_lines() -> Iterator[Rule]:
    for one in instrument_use.lines():
        yield Rule(
            id=f"instrument-use-{one.in_force_from.year}",
            title=Text("仪器机时饱满线", "From when on an instrument is fully used"),
            source=one.source,
            in_force_from=one.in_force_from,
            in_force_until=one.in_force_until,
            verified=one.verified,
            note=None,
            region=None,
            values=MappingProxyType({"hours_a_year": one.hours_a_year}),
        )


def _classes() -> Iterator[Rule]:
    one = instrument_classes.table()
    yield Rule(
        id=f"instrument-classes-{one.in_force_from.year}",
        title=Text("大型科学仪器设备分类", "The classification of instruments"),
        source=one.source,
        in_force_from=one.in_force_from,
        in_force_until=None,
        verified=False,  # its source says so: written down from a program's table
        note=None,
        region=None,
        values=MappingProxyType({"names": dict(one.names)}),
    )


def _price_notices() -> Iterator[Rule]:
    for one in price_notice.rules():
        place = "national" if one.region is None else one.region
        yield Rule(
            id=f"price-notice-{place}-{one.in_force_from.year}",
            title=Text("协议定价公示期", "How long an agreed price is on notice"),
            source=one.source,
            in_force_from=one.in_force_from,
            in_force_until=one.in_force_until,
            verified=one.verified,
            note=None,
            region=one.region,
            values=MappingProxyType({"days": one.days}),
        )


def _ownership() -> Iterator[Rule]:
    for least, name, title, figure in (
        (
            ownership.of_use(),
            "long-term-use",
            Text("职务成果长期使用权的最短年限", "The least years of a long-term right of use"),
            "least_years",
        ),
        (
            ownership.of_answers(),
            "first-refusal",
            Text("优先受让权的最短答复期限", "The least days to answer an offer of first refusal"),
            "least_days",
        ),
    ):
        for one in least:
            yield Rule(
                id=f"{name}-{one.in_force_from.year}",
                title=title,
                source=one.source,
                in_force_from=one.in_force_from,
                in_force_until=one.in_force_until,
                verified=one.verified,
                note=None,
                region=None,
                values=MappingProxyType({figure: one.number}),
            )
