"""The named failures of interests."""

from kechuangtong.core.errors import Conflict, Invalid
from kechuangtong.core.language import Text


class SubjectMissing(Invalid):
    code = "subject_missing"
    text = Text("请指明感兴趣的记录。", "Name the record that the interest is in.")


class RecordNotFound(Invalid):
    code = "record_not_found"
    text = Text("没有这样的成果或需求。", "There is no such achievement or demand.")


class NotOwnRecord(Invalid):
    code = "not_own_record"
    text = Text(
        "意向所依据的记录须属于本单位。",
        "The record that an interest comes from is the organization's own.",
    )


class OwnRecord(Conflict):
    code = "own_record"
    text = Text("这是本单位自己的记录。", "This record is the organization's own.")


class RecordNotOpen(Conflict):
    code = "record_not_open"
    text = Text(
        "该记录未发布或已过期，不能对接。",
        "The record is not published, or has expired: there can be no interest in it or from it.",
    )


class InterestExists(Conflict):
    code = "interest_exists"
    text = Text(
        "本单位对该记录已有一个待处理的意向。",
        "The organization has an interest in this record already that is still open.",
    )
    place = ("body",)


class WrongInterestState(Conflict):
    code = "wrong_state"
    text = Text(
        "状态为“{state}”的意向不能执行“{action}”。", "An interest that is {state} has no {action}."
    )
