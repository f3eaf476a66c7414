"""The named failures of the two lists."""

from kechuangtong.core.errors import Conflict, Invalid
from kechuangtong.core.language import Text


class AlreadyListed(Conflict):
    code = "already_listed"
    text = Text(
        "该单位的清单中已有编号或名称相同的记录。",
        "The organization's list has a record with this number or title already.",
    )
    place = ("body",)


class WrongState(Conflict):
    code = "wrong_state"
    text = Text(
        "状态为“{state}”的记录不能执行“{action}”。", "A record that is {state} has no {action}."
    )


class ReviewRequired(Conflict):
    code = "review_required"
    text = Text(
        "该单位的记录须经审核后发布，请改用 submit 提交审核。",
        "The organization's records are reviewed before publication: use `submit` instead.",
    )


class ReviewNotRequired(Conflict):
    code = "review_not_required"
    text = Text(
        "该单位的记录无须审核，请直接用 publish 发布。",
        "The organization's records are not reviewed: use `publish`.",
    )


class WasPublic(Conflict):
    code = "was_public"
    text = Text(
        "曾经公开的记录不能删除，只能撤回。", "What was public once is kept; it cannot be deleted."
    )


class OrganizationMerged(Conflict):
    code = "organization_merged"
    text = Text("该单位已并入另一单位。", "The organization was merged into another.")
    place = ("body", "organization_id")


class DateNotLater(Invalid):
    code = "date_not_later"
    text = Text(
        "新的有效期须在今天之后，且晚于原有效期（{date}）。",
        "The new date must lie in the future and after the one before ({date}).",
    )
    place = ("body", "valid_until")


class DatePast(Invalid):
    code = "date_past"
    text = Text(
        "有效期 {date} 已过，不能发布。",
        "The record's date {date} is past; it cannot be published.",
    )


class NamesOrganization(Invalid):
    code = "names_organization"
    text = Text(
        "匿名需求的 {field} 中写有本单位的名称、简称或统一社会信用代码，请改写。",
        "In an anonymous demand {field} must not hold the organization's name, short name or code.",
    )


class OrganizationUnknown(Invalid):
    code = "organization_unknown"
    text = Text("没有这个单位。", "There is no such organization.")
