"""What of an instrument is free: which of its units, when, and when next to what was wanted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice

from kechuangtong.core.clock import CITY
from kechuangtong.instruments.hours import Period, without


@dataclass(frozen=True)
class Room:
    """When an instrument is open, closures left out, and when each of its units is taken.

    A booking keeps to one unit for the whole of its time: nobody changes machines in the midst.
    Units may be fewer than they were: what is booked on one that is no more takes the time of
    another.
    """

    open: Sequence[Period]
    taken: Mapping[int, Sequence[Period]]
    capacity: int

    @cached_property
    def busy(self) -> Mapping[int, Sequence[Period]]:
        """When units of those that there are, from 1 to the capacity, are taken."""
        busy = {unit: list(self.taken[unit]) for unit in self.taken if 1 <= unit <= self.capacity}
        beyond = [
            one for unit, times in self.taken.items() if unit > self.capacity for one in times
        ]
        for period in beyond:
            others = (
                unit
                for unit in range(1, self.capacity + 1)
                if not any(one.meets(period) for one in busy.get(unit, ()))
            )
            busy.setdefault(next(others, 1), []).append(period)
        return busy

    @cached_property
    def gaps(self) -> Counter[Period]:
        """The longest periods in which a unit is free, each with the number of units."""
        found: Counter[Period] = Counter()
        for periods in self.busy.values():
            found.update(without(self.open, periods))
        if len(self.busy) < self.capacity:
            for one in self.open:
                found[one] += self.capacity - len(self.busy)
        return found

    def units_for(self, period: Period) -> list[int]:
        """The units that are free for a period, first those that leave the smallest gap."""
        if not any(one.holds(period) for one in self.open):
            return []
        fitting = []
        for unit in range(1, self.capacity + 1):
            gaps = without(self.open, self.busy.get(unit, ()))
            if lengths := [gap.length for gap in gaps if gap.holds(period)]:
                fitting.append((lengths[0], unit))
        return [unit for _, unit in sorted(fitting)]

    def has(self, units: int, period: Period) -> bool:
        """Whether so many units are free for a period."""
        return sum(count for gap, count in self.gaps.items() if gap.holds(period)) >= units

    def first(self, length: timedelta, *, step: int) -> Period | None:
        """The first time of a length in which a unit is free."""
        found = None
        for gap in self.gaps:
            if gap.length < length or (found is not None and gap.starts_at >= found):
                continue
            start = aligned_up(gap.starts_at, step)
            if start + length <= gap.ends_at and (found is None or start < found):
                found = start
        return None if found is None else Period(found, found + length)


def nearest(
    rooms: Sequence[tuple[Room, int]], wanted: Period, *, step: int, count: int = 5
) -> list[Period]:
    """Times as long as the one that was wanted in which so many units of each room are free: up to
    `count`, the nearest first. They begin at a multiple of the step."""
    length = wanted.length
    starts = set()
    for room, _ in rooms:
        for gap in room.gaps:
            first = aligned_up(gap.starts_at, step)
            last = aligned_down(gap.ends_at - length, step)
            if first <= last:
                starts |= {first, min(max(wanted.starts_at, first), last), last}
    found = (
        one
        for start in sorted(starts, key=lambda start: (abs(start - wanted.starts_at), start))
        if all(room.has(units, one := Period(start, start + length)) for room, units in rooms)
    )
    return list(islice(found, count))


def off_step(instant: datetime, step: int) -> timedelta:
    """How long after the last multiple of the step, in minutes of the city's day, an instant is."""
    local = instant.astimezone(CITY)
    minutes = (local.hour * 60 + local.minute) % step
    return timedelta(minutes=minutes, seconds=local.second, microseconds=local.microsecond)


def aligned_down(instant: datetime, step: int) -> datetime:
    """The last multiple of the step until an instant."""
    return instant - off_step(instant, step)


def aligned_up(instant: datetime, step: int) -> datetime:
    """The first multiple of the step from an instant on."""
    late = off_step(instant, step)
    return instant + timedelta(minutes=step) - late if late else instant
