"""What calculators refuse."""

from kechuangtong.core.errors import Invalid, NotFound
from kechuangtong.core.language import Text


class NoRuleThen(Invalid):
    """The table reaches not as far back as the day that is asked for."""

    code = "no_rule_then"
    text = Text("当时没有收录的规则。", "The table has no rule of that time.")


class DeductionsAboveTotal(Invalid):
    code = "deductions_above_total"
    text = Text("扣除额之和大于合同总额。", "The deductions are more than the total.")
    place = ("body", "deductions")


class NoSuchCalculator(NotFound):
    code = "no_such_calculator"
    text = Text("没有此计算器。", "There is no such calculator.")
