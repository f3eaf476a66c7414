"""Which calculators there are, and the policy table that they stand on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kechuangtong.calculators import (
    amount,
    commission,
    deadline,
    research,
    reward,
    subsidy,
    transfer_tax,
)
from kechuangtong.calculators.calculation import Calculation, RuleRead
from kechuangtong.calculators.errors import NoSuchCalculator
from kechuangtong.calculators.schemas import CalculatorRead, PolicyQuery
from kechuangtong.core.language import Text
from kechuangtong.core.paging import Page, PageQuery, decode_cursor
from kechuangtong.core.schemas import Input
from kechuangtong.policies import table
from kechuangtong.policies.rules import Rule, read


@dataclass(frozen=True, slots=True)
class Calculator:
    """A calculation, and the files of rules that it stands on."""

    name: str
    title: Text
    purpose: Text
    inputs: type[Input]
    calculate: Callable[[Any], Calculation[Any, Any]]
    files: tuple[str, ...]

    @property
    def rules(self) -> list[Rule]:
        """The rules of all times that it stands on."""
        return [rule for name in self.files for rule in read(name)]


_ALL: Final = (
    Calculator(
        amount.NAME,
        Text("技术交易额", "Technology amount"),
        Text(
            "合同总额扣除设备、材料等非技术性费用后的金额",
            "A contract's total without equipment, materials and what else is not technology",
        ),
        amount.AmountInput,
        amount.calculate,
        ("transaction_amounts",),
    ),
    Calculator(
        deadline.NAME,
        Text("认定登记期限", "Registration deadline"),
        Text(
            "登记机构最迟何日作出认定", "By when a registry decides on a contract that it accepted"
        ),
        deadline.DeadlineInput,
        deadline.calculate,
        ("registration",),
    ),
    Calculator(
        reward.NAME,
        Text("成果转化奖励", "Reward of a transfer"),
        Text(
            "奖励总额、每人份额和计入个人所得税的部分",
            "The award, who gets what of it, and how much counts as wages",
        ),
        reward.RewardInput,
        reward.calculate,
        ("rewards", "reward_shares", "reward_taxes"),
    ),
    Calculator(
        transfer_tax.NAME,
        Text("技术转让所得税优惠", "Tax relief of technology transfer"),
        Text(
            "居民企业一年技术转让所得的应纳税额和节税额",
            "A resident firm's tax on a year's transfers, and what it saves",
        ),
        transfer_tax.TransferTaxInput,
        transfer_tax.calculate,
        ("transfer_taxes",),
    ),
    Calculator(
        research.NAME,
        Text("研发费用加计扣除", "R&D super deduction"),
        Text(
            "按年度和企业类型计算加计扣除额和节税额",
            "What a firm deducts beyond its R&D expenses, by year and kind of firm",
        ),
        research.ResearchInput,
        research.calculate,
        ("rd_deductions", "rd_scopes"),
    ),
    Calculator(
        subsidy.NAME,
        Text("技术交易补助", "Subsidy of a deal"),
        Text(
            "窗口内已开票且到账的补助基数；比例由您填写",
            "The base invoiced and received in a window; the rate is yours to give",
        ),
        subsidy.SubsidyInput,
        subsidy.calculate,
        ("subsidies",),
    ),
    Calculator(
        commission.NAME,
        Text("中介佣金", "Broker's commission"),
        Text(
            "按比例、固定金额或分段计算，多人分配到分",
            "By a percentage, a sum or brackets, split among brokers to the cent",
        ),
        commission.CommissionInput,
        commission.calculate,
        ("commissions",),
    ),
)
CALCULATORS: Final[Mapping[str, Calculator]] = {one.name: one for one in _ALL}


def calculator(name: str) -> Calculator:
    """The calculator of a name. Raises NoSuchCalculator."""
    if name not in CALCULATORS:
        raise NoSuchCalculator
    return CALCULATORS[name]


def calculators(query: PageQuery) -> Page[CalculatorRead]:
    """The calculators with their rules, by name."""
    after = decode_cursor(query.cursor, 1)[0] if query.cursor else ""
    found = sorted((one for one in _ALL if one.name > after), key=lambda one: one.name)
    return Page[CalculatorRead].of(
        found[: query.limit + 1],
        query.limit,
        lambda one: [one.name],
        lambda one: CalculatorRead(
            name=one.name,
            title=str(one.title),
            purpose=str(one.purpose),
            path=f"/v1/calculators/{one.name}",
            rules=[RuleRead.of(rule) for rule in one.rules],
        ),
    )


def policies(query: PolicyQuery) -> Page[RuleRead]:
    """The rules of the policy table, by id: those of an id, those in force on a day."""
    after = decode_cursor(query.cursor, 1)[0] if query.cursor else ""
    found = [
        rule
        for rule in table.rules()
        if rule.id > after
        and query.id in (None, rule.id)
        and (query.on is None or rule.in_force(query.on))
    ]
    return Page[RuleRead].of(
        found[: query.limit + 1], query.limit, lambda rule: [rule.id], RuleRead.of
    )
