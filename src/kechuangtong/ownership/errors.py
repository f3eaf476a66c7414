"""The named failures of ownership."""

from kechuangtong.core.errors import Conflict, Invalid
from kechuangtong.core.language import Text


class UnitUnknown(Invalid):
    code = "unit_unknown"
    text = Text("没有这个单位。", "There is no such organization.")


class AttachmentUnknown(Invalid):
    code = "attachment_unknown"
    text = Text("该成果没有这个附件。", "The achievement has no such attachment.")
    place = ("body", "attachment_id")


class UseTooShort(Invalid):
    code = "use_too_short"
    text = Text(
        "长期使用权的年限不得少于 {years} 年。",
        "A long-term right of use lasts {years} years at least.",
    )
    place = ("body", "use_years")


class NoInventors(Conflict):
    code = "no_inventors"
    text = Text(
        "权属中没有登记完成人，无从分配奖励。",
        "The ownership names no inventors among whom a reward could be divided.",
    )
