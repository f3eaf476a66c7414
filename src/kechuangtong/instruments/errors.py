"""The named failures of instruments."""

from kechuangtong.core.errors import Conflict, Invalid
from kechuangtong.core.language import Text


class InstrumentListed(Conflict):
    code = "instrument_listed"
    text = Text(
        "该单位已有此编号的仪器。", "The organization has an instrument with this number already."
    )
    place = ("body", "number")


class WrongInstrumentState(Conflict):
    code = "wrong_state"
    text = Text(
        "状态为“{state}”的仪器不能执行“{action}”。",
        "An instrument that is {state} has no {action}.",
    )


class InstrumentInUse(Conflict):
    code = "instrument_in_use"
    text = Text(
        "该仪器已有预约，不能删除，只能撤回。",
        "There are bookings of the instrument: it cannot be deleted, only withdrawn.",
    )


class FieldsDisagree(Invalid):
    code = "fields_disagree"
    text = Text("{zh}。", "{en}.")
    place = ("body",)


class WindowInvalid(Invalid):
    code = "window_invalid"
    text = Text(
        "起须早于止，相隔不超过 {days} 天。", "`from` lies before `to`, at most {days} days apart."
    )
    place = ("query", "to")


class PriceListed(Conflict):
    code = "price_listed"
    text = Text("该类用户在这一天已有价格。", "This class has a price from this day already.")
    place = ("body", "valid_from")


class PriceHolds(Invalid):
    code = "price_holds"
    text = Text(
        "今天已有价格生效，新价格最早从明天起生效。",
        "A price is in force today: another one begins tomorrow at the earliest.",
    )


class PriceInPast(Invalid):
    code = "price_in_past"
    text = Text(
        "价格最早从今天起生效。",
        "A price begins today at the earliest: what people were told holds.",
    )
    place = ("body", "valid_from")


class PriceInForce(Conflict):
    code = "price_in_force"
    text = Text(
        "已生效的价格不能删除，请另立新价。",
        "A price that has begun stays: set a new one after it.",
    )


class PersonUnknown(Invalid):
    code = "person_unknown"
    text = Text("没有这个人。", "There is no such person.")
