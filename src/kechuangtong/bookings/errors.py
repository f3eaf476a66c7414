"""The named failures of bookings."""

from collections.abc import Sequence

from kechuangtong.bookings.schemas import SkippedTime
from kechuangtong.core.errors import Conflict, Invalid
from kechuangtong.core.language import Text
from kechuangtong.instruments.hours import Period


class InstrumentUnknown(Invalid):
    code = "instrument_unknown"
    text = Text("没有这台仪器。", "There is no such instrument.")


class SeveralOwners(Invalid):
    code = "several_owners"
    text = Text(
        "一次预约的仪器须属于同一单位，请分别预约。",
        "The instruments of one booking belong to one organization: book those of others apart.",
    )
    place = ("body", "instruments")


class PersonNotThere(Invalid):
    code = "person_not_there"
    text = Text("该单位没有这个人。", "There is no such person in the organization.")
    place = ("body", "user_id")


class NotForBooking(Conflict):
    code = "not_for_booking"
    text = Text(
        "“{name}”目前不能预约：未发布、未开放共享或待修。",
        '"{name}" cannot be booked at present: not published, not shared, or awaiting repair.',
    )


class NotQualified(Conflict):
    code = "not_qualified"
    text = Text(
        "使用“{name}”须有在预约期内有效的上机资格。",
        '"{name}" is only for people qualified for it throughout the booking.',
    )


class OffStep(Invalid):
    code = "off_step"
    text = Text(
        "“{name}”的预约须在 {step} 分钟的整数倍开始和结束。",
        'Bookings of "{name}" begin and end at multiples of {step} minutes.',
    )
    place = ("body", "starts_at")


class LengthWrong(Invalid):
    code = "length_wrong"
    text = Text(
        "“{name}”的预约须为 {shortest} 至 {longest} 分钟。",
        'Bookings of "{name}" last {shortest} to {longest} minutes.',
    )
    place = ("body", "ends_at")


class TooLate(Invalid):
    code = "too_late"
    text = Text(
        "“{name}”须至少提前 {lead} 分钟预约。", '"{name}" is booked at least {lead} minutes ahead.'
    )
    place = ("body", "starts_at")


class MoreThanThereAre(Invalid):
    code = "more_than_there_are"
    text = Text("“{name}”共 {capacity} 个。", 'Of "{name}" there are {capacity}.')


class NoRoom(Conflict):
    """The answer also says the nearest times of this length that are free, as `free_times`."""

    place = ("body", "starts_at")

    def __init__(self, free: Sequence[Period], *, name: str) -> None:
        super().__init__(name=name)
        self.free = free
        self.extension = {
            "free_times": [
                {"starts_at": _utc(one.starts_at), "ends_at": _utc(one.ends_at)} for one in free
            ]
        }


class SlotTaken(NoRoom):
    code = "slot_taken"
    text = Text("“{name}”在此时间已被预约。", '"{name}" is booked at this time.')


class OutsideHours(NoRoom):
    code = "outside_hours"
    text = Text("“{name}”在此时间不开放。", '"{name}" is not open for all of this time.')


class SeriesConflicts(Conflict):
    """The answer also lists the times that are not possible, and why, as `conflicts`."""

    code = "series_conflicts"
    text = Text(
        "系列中有 {count} 次不能预约。", "Of the series so many times cannot be booked: {count}."
    )
    place = ("body", "rule")

    def __init__(self, skipped: Sequence[SkippedTime]) -> None:
        super().__init__(count=len(skipped))
        self.skipped = skipped
        self.extension = {"conflicts": [one.model_dump(mode="json") for one in skipped]}


class RuleInvalid(Invalid):
    code = "rule_invalid"
    text = Text("{zh}。", "{en}.")
    place = ("body", "rule")


class WrongBookingState(Conflict):
    code = "wrong_state"
    text = Text(
        "状态为“{state}”的预约不能执行“{action}”。", "A booking that is {state} has no {action}."
    )


class NothingToDecide(Conflict):
    code = "nothing_to_decide"
    text = Text("该系列中没有待批准的预约。", "No booking of this series waits for approval.")


class TooManyWait(Conflict):
    code = "too_many_wait"
    text = Text(
        "本单位在该处的候补已达 {most} 个。",
        "The organization has {most} bookings there that wait already.",
    )


class CancelTooLate(Conflict):
    code = "cancel_too_late"
    text = Text(
        "已过取消时限，请联系仪器所属单位。",
        "The time for cancelling is over: ask the instrument's organization.",
    )


class NotYet(Conflict):
    code = "not_yet"
    text = Text("预约时间未到。", "The booking has not begun yet.")


def _utc(instant: object) -> str:
    return str(instant).replace(" ", "T").replace("+00:00", "Z")
