"""Times that recur by a rule of RFC 5545, in the city's wall clock time."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, rrule, weekday, weekdays

from kechuangtong.core.clock import CITY
from kechuangtong.core.language import Text
from kechuangtong.instruments.hours import Period

MOST: Final = 100  # times of a series
LONGEST: Final = timedelta(days=731)

_FREQUENCIES: Final = {"DAILY": DAILY, "WEEKLY": WEEKLY, "MONTHLY": MONTHLY}
_WEEKDAYS: Final = dict(zip(("MO", "TU", "WE", "TH", "FR", "SA", "SU"), weekdays, strict=True))
# Parts by frequency: with these each rule goes on, so that looking for its next time ends soon.
_PARTS: Final[Mapping[str, frozenset[str]]] = {
    "DAILY": frozenset({"BYDAY"}),
    "WEEKLY": frozenset({"BYDAY", "WKST"}),
    "MONTHLY": frozenset({"BYDAY", "BYMONTHDAY"}),
}
_ALWAYS: Final = {"FREQ", "INTERVAL", "COUNT", "UNTIL"}

_UNREADABLE: Final = Text("不是 RFC 5545 重复规则：{part}", "no rule of RFC 5545: {part}")
_UNSUPPORTED: Final = Text(
    "{frequency} 规则不支持 {parts}", "{parts} is not supported with {frequency}"
)
_ENDLESS: Final = Text(
    "规则须有 COUNT 或 UNTIL 其中之一", "a rule has either COUNT or UNTIL, so that it ends"
)
_TOGETHER: Final = Text(
    "BYDAY 不能与 BYMONTHDAY 或 DAILY 的 INTERVAL 并用",
    "BYDAY does not go with BYMONTHDAY, nor with an INTERVAL of days",
)
_FIRST: Final = Text(
    "首次时间须符合规则", "the first time must be one of the rule's (its weekday, its day)"
)
_TOO_MANY: Final = Text(
    "一个系列最多 {most} 次、两年", "a series is at most {most} times, in two years"
)


def times(rule: str, first: Period) -> list[Period]:
    """The times of a series, the first included, at most MOST within LONGEST. Raises ValueError
    with a Text for a rule that is none, or that we do not follow."""
    local = first.starts_at.astimezone(CITY).replace(tzinfo=None)
    found: list[Period] = []
    for start in _read(rule.strip().removeprefix("RRULE:"), local):
        if not found and start != local:
            raise ValueError(_FIRST)
        if len(found) == MOST or start - local > LONGEST:
            raise ValueError(_TOO_MANY.format(most=MOST))
        begins = start.replace(tzinfo=CITY).astimezone(UTC)
        found.append(Period(begins, begins + first.length))
    if not found:  # it ends before it begins
        raise ValueError(_FIRST)
    return found


def _read(text: str, start: datetime) -> rrule:
    parts: dict[str, str] = {}
    for part in text.upper().split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value or name in parts:
            raise ValueError(_UNREADABLE.format(part=part[:50]))
        parts[name] = value
    frequency = parts.get("FREQ", "")
    if frequency not in _FREQUENCIES:
        raise ValueError(_UNREADABLE.format(part=f"FREQ={frequency}"[:50]))
    if others := parts.keys() - _ALWAYS - _PARTS[frequency]:
        others_named = ", ".join(sorted(others))[:100]
        raise ValueError(_UNSUPPORTED.format(frequency=frequency, parts=others_named))
    if ("COUNT" in parts) == ("UNTIL" in parts):
        raise ValueError(_ENDLESS)
    interval = _number(parts, "INTERVAL", 1, 52) if "INTERVAL" in parts else 1
    if "BYDAY" in parts and ("BYMONTHDAY" in parts or (frequency == "DAILY" and interval > 1)):
        raise ValueError(_TOGETHER)
    values: dict[str, Any] = {"interval": interval}
    if "COUNT" in parts:
        values["count"] = _number(parts, "COUNT", 1, MOST)
    else:
        values["until"] = _until(parts["UNTIL"])
    if "BYDAY" in parts:
        ordinals = frequency == "MONTHLY"
        values["byweekday"] = [_day(one, ordinals) for one in parts["BYDAY"].split(",")]
    if "BYMONTHDAY" in parts:
        days = parts["BYMONTHDAY"].split(",")
        if not all(re.fullmatch(r"[+-]?([1-9]|[12][0-9]|3[01])", one) for one in days):
            raise ValueError(_UNREADABLE.format(part=f"BYMONTHDAY={parts['BYMONTHDAY']}"[:50]))
        values["bymonthday"] = [int(one) for one in days]
    if "WKST" in parts:
        values["wkst"] = _day(parts["WKST"], False)
    return rrule(_FREQUENCIES[frequency], dtstart=start, **values)


def _number(parts: Mapping[str, str], name: str, least: int, most: int) -> int:
    value = parts[name]
    if re.fullmatch(r"[0-9]{1,4}", value, re.ASCII) and least <= int(value) <= most:
        return int(value)
    raise ValueError(_UNREADABLE.format(part=f"{name}={value}"[:50]))


def _until(value: str) -> datetime:
    """The last instant of a rule in the city's wall clock time; of a date, its end."""
    try:
        if value.endswith("Z"):
            instant = datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            return instant.astimezone(CITY).replace(tzinfo=None)
        if "T" in value:
            return datetime.strptime(value, "%Y%m%dT%H%M%S")  # noqa: DTZ007
        day = datetime.strptime(value, "%Y%m%d")  # noqa: DTZ007
        return day.replace(hour=23, minute=59, second=59)
    except (ValueError, OverflowError):
        raise ValueError(_UNREADABLE.format(part=f"UNTIL={value}"[:50])) from None


def _day(value: str, ordinals: bool) -> weekday:
    found = re.fullmatch(r"([+-]?[1-5])?(MO|TU|WE|TH|FR|SA|SU)", value, re.ASCII)
    if found is None or (found[1] and not ordinals):
        raise ValueError(_UNREADABLE.format(part=value[:50]))
    day = _WEEKDAYS[found[2]]
    return day(int(found[1])) if found[1] else day
