"""The calculators' forms: which fields, under which names; and what was typed, as a question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal

from kechuangtong.calculators import (
    amount,
    commission,
    deadline,
    research,
    reward,
    subsidy,
    transfer_tax,
)
from kechuangtong.calculators.amount import DeductionKind
from kechuangtong.calculators.research import FirmKind
from kechuangtong.calculators.reward import ContributorRole, Owner, RewardWay
from kechuangtong.calculators.subsidy import Commission, ContractKind, SubsidyRole
from kechuangtong.calculators.transfer_tax import Subject, TransferKind
from kechuangtong.core.language import Text

CHOICES: Final[Mapping[type[StrEnum], Mapping[StrEnum, Text]]] = {
    DeductionKind: {
        DeductionKind.EQUIPMENT: Text("设备", "Equipment"),
        DeductionKind.INSTRUMENTS: Text("仪器", "Instruments"),
        DeductionKind.PARTS: Text("零部件", "Parts"),
        DeductionKind.MATERIALS: Text("原材料", "Materials"),
        DeductionKind.OTHER: Text("其他非技术性费用", "Other, not technology"),
        DeductionKind.DELIVERABLE: Text(
            "合理数量标的物的直接成本（不扣除）", "Cost of the deliverable (stays in)"
        ),
    },
    RewardWay: {
        RewardWay.TRANSFER: Text("转让", "Transfer"),
        RewardWay.LICENCE: Text("许可", "Licence"),
        RewardWay.SHARES: Text("作价投资", "Shares"),
        RewardWay.OWN_USE: Text("自行实施或合作实施", "Own use, or with others"),
    },
    Owner: {
        Owner.STATE: Text(
            "国家设立的研究开发机构、高等院校", "Institute or university set up by the state"
        ),
        Owner.OTHER: Text("企业和其他单位", "Enterprise or other"),
    },
    ContributorRole: {
        ContributorRole.MAIN: Text("主要贡献人员", "Main contributor"),
        ContributorRole.OFFICE: Text("转化工作人员", "Transfer office"),
        ContributorRole.OTHER: Text("其他人员", "Other"),
    },
    TransferKind: {
        TransferKind.OWNERSHIP: Text("所有权转让", "Ownership"),
        TransferKind.EXCLUSIVE_LICENCE: Text("全球独占许可", "Worldwide exclusive licence"),
        TransferKind.NON_EXCLUSIVE_LICENCE: Text("非独占许可", "Non-exclusive licence"),
    },
    Subject: {
        Subject.PATENT: Text("专利", "Patent"),
        Subject.SOFTWARE: Text("计算机软件著作权", "Software copyright"),
        Subject.LAYOUT: Text("集成电路布图设计权", "Layout design"),
        Subject.PLANT_VARIETY: Text("植物新品种", "Plant variety"),
        Subject.BIOMEDICINE: Text("生物医药新品种", "New biomedicine"),
        Subject.OTHER: Text("其他", "Other"),
    },
    FirmKind: {
        FirmKind.GENERAL: Text("一般企业", "General"),
        FirmKind.MANUFACTURING: Text("制造业企业", "Manufacturing"),
        FirmKind.TECHNOLOGY_SME: Text("科技型中小企业", "Technology SME"),
        FirmKind.INTEGRATED_CIRCUITS: Text("集成电路企业", "Integrated circuits"),
        FirmKind.MACHINE_TOOLS: Text("工业母机企业", "Machine tools"),
        FirmKind.TOBACCO: Text("烟草制造业", "Tobacco"),
        FirmKind.ACCOMMODATION_CATERING: Text("住宿和餐饮业", "Accommodation and catering"),
        FirmKind.WHOLESALE_RETAIL: Text("批发和零售业", "Wholesale and retail"),
        FirmKind.REAL_ESTATE: Text("房地产业", "Real estate"),
        FirmKind.LEASING_BUSINESS_SERVICES: Text(
            "租赁和商务服务业", "Leasing and business services"
        ),
        FirmKind.ENTERTAINMENT: Text("娱乐业", "Entertainment"),
    },
    SubsidyRole: {
        SubsidyRole.SELLER: Text("卖方", "Seller"),
        SubsidyRole.BUYER: Text("买方", "Buyer"),
        SubsidyRole.INTERMEDIARY: Text("中介机构", "Intermediary"),
    },
    ContractKind: {
        ContractKind.TRANSFER: Text("技术转让", "Transfer"),
        ContractKind.DEVELOPMENT: Text("技术开发", "Development"),
        ContractKind.LICENCE: Text("技术许可", "Licence"),
        ContractKind.CONSULTING: Text("技术咨询", "Consulting"),
        ContractKind.SERVICE: Text("技术服务", "Service"),
    },
    Commission: {
        Commission.NONE: Text("无", "None"),
        Commission.FRAMEWORK: Text("框架协议", "Framework agreement"),
        Commission.NAMED: Text("载明具体项目的委托合同", "Contract that names the project"),
    },
}
"""Names of the values that one chooses among."""

FieldKind = Literal["money", "percent", "share", "integer", "date", "text", "choice", "check"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form. `value` is what stands in it at first."""

    name: str
    label: Text
    kind: FieldKind
    choices: type[StrEnum] | None = None
    required: bool = False
    value: str = ""


@dataclass(frozen=True, slots=True)
class Rows:
    """Fields that repeat, each set of them an item of a list; of a single field its value is the
    item. Sets of which nothing is filled in are left out."""

    name: str
    label: Text
    fields: tuple[Field, ...]
    count: int

    @property
    def plain(self) -> bool:
        """Whether items are plain values."""
        return len(self.fields) == 1


_ON = Field("on", Text("适用日期（不填则今天）", "Rules of which day (left out: today)"), "date")
_REGION = Field("region", Text("地区（省、市）", "Region (province, city)"), "text")
_TAX = Field("tax_percent", Text("所得税税率（%）", "Income tax (%)"), "percent", value="25")
_NAME = Field("name", Text("名称", "Name"), "text")
_SHARE = Field("share", Text("份额", "Share"), "share")
_AMOUNT = Field("amount", Text("金额（元）", "Amount (CNY)"), "money")
_YEAR = Field("year", Text("年度", "Year"), "integer", required=True)

FORMS: Final[Mapping[str, tuple[Field | Rows, ...]]] = {
    amount.NAME: (
        Field("total", Text("合同总额（元）", "Total (CNY)"), "money", required=True),
        Rows(
            "deductions",
            Text("费用", "Cost"),
            (Field("kind", Text("类别", "Kind"), "choice", DeductionKind), _AMOUNT, _NAME),
            5,
        ),
        _ON,
    ),
    deadline.NAME: (
        Field("accepted_on", Text("受理日期", "Accepted on"), "date", required=True),
        Field(
            "amount", Text("技术交易额（元）", "Technology amount (CNY)"), "money", required=True
        ),
        Field("disputed", Text("有争议", "Disputed"), "check"),
        _REGION,
    ),
    reward.NAME: (
        Field("way", Text("转化方式", "Way"), "choice", RewardWay),
        Field("owner", Text("完成单位", "Whose it is"), "choice", Owner),
        _REGION,
        Field(
            "income",
            Text("转让或许可收入（元）", "Income of a transfer or licence (CNY)"),
            "money",
        ),
        Field("costs", Text("直接成本（元）", "Its direct costs (CNY)"), "money"),
        Field(
            "shares_value",
            Text("作价投资的股权价值（元）", "Of shares: what they are worth (CNY)"),
            "money",
        ),
        Rows(
            "profits",
            Text("自行实施：投产后各年营业利润", "Of own use: profit of each year"),
            (Field("", Text("营业利润（元）", "Operating profit (CNY)"), "money"),),
            5,
        ),
        Field(
            "agreed_percent",
            Text("单位规定或约定的比例（%）", "By the unit's rule or agreement (%)"),
            "percent",
        ),
        Rows(
            "contributors",
            Text("奖励对象", "Who shares it"),
            (
                Field("name", Text("姓名", "Name"), "text"),
                Field("role", Text("角色", "Role"), "choice", ContributorRole),
                _SHARE,
            ),
            6,
        ),
        _ON,
    ),
    transfer_tax.NAME: (
        _YEAR,
        Rows(
            "transfers",
            Text("技术转让", "Transfer"),
            (
                _NAME,
                Field("kind", Text("方式", "Way"), "choice", TransferKind),
                Field("subject", Text("技术类别", "Technology"), "choice", Subject),
                Field("licence_years", Text("许可年限", "Years of licence"), "integer"),
                Field("income", Text("收入（元）", "Income (CNY)"), "money"),
                Field("costs", Text("成本税费（元）", "Costs and taxes (CNY)"), "money"),
                Field("related", Text("100% 关联方", "To a wholly held party"), "check"),
            ),
            4,
        ),
        _TAX,
    ),
    research.NAME: (
        _YEAR,
        Field("kind", Text("企业类型", "Kind of firm"), "choice", FirmKind),
        Field(
            "own_expenses",
            Text(
                "人员、直接投入、折旧、摊销、设计试验费（元）",
                "People, inputs, depreciation, design, trials (CNY)",
            ),
            "money",
        ),
        Field("other_expenses", Text("其他相关费用（元）", "Other related (CNY)"), "money"),
        Field("commissioned", Text("委托境内研发（元）", "Commissioned in China (CNY)"), "money"),
        Field(
            "amortization",
            Text("研发形成的无形资产当年摊销（元）", "Amortization of what R&D made (CNY)"),
            "money",
        ),
        _TAX,
    ),
    subsidy.NAME: (
        Field("region", _REGION.label, "text", required=True, value="四川省成都市"),
        Field("role", Text("申报方", "Who applies"), "choice", SubsidyRole),
        Field("contract_kind", Text("合同类型", "Kind of contract"), "choice", ContractKind),
        Field("registered", Text("已认定登记", "Registered"), "check"),
        Field(
            "amount", Text("技术交易额（元）", "Technology amount (CNY)"), "money", required=True
        ),
        Field("window_from", Text("窗口起日", "The window begins"), "date", required=True),
        Field("window_until", Text("窗口止日", "The window ends"), "date", required=True),
        Rows(
            "payments",
            Text("款项", "Payment"),
            (
                _AMOUNT,
                Field("invoiced_on", Text("开票日期", "Invoiced on"), "date"),
                Field("received_on", Text("到账日期", "Received on"), "date"),
            ),
            4,
        ),
        Field(
            "commission",
            Text("中介的委托合同", "An intermediary's contract"),
            "choice",
            Commission,
        ),
        Field("percent", Text("当年指南的比例（%）", "The guide's rate (%)"), "percent"),
        Field("limit", Text("当年指南的上限（元）", "The guide's limit (CNY)"), "money"),
    ),
    commission.NAME: (
        Field("amount", Text("交易额（元）", "The deal (CNY)"), "money", required=True),
        Field("percent", Text("佣金比例（%）", "Commission (%)"), "percent"),
        Field("fixed", Text("或固定金额（元）", "Or a sum (CNY)"), "money"),
        Rows(
            "brackets",
            Text("或分段比例", "Or brackets"),
            (
                Field(
                    "up_to",
                    Text("上限（元，末段不填）", "Up to (CNY; the last has none)"),
                    "money",
                ),
                Field("percent", Text("比例（%）", "Rate (%)"), "percent"),
            ),
            4,
        ),
        Field("vat_percent", Text("增值税税率（%）", "Value-added tax (%)"), "percent"),
        Field("vat_included", Text("含税", "The tax is included"), "check", value="on"),
        Rows("brokers", Text("经纪人", "Broker"), (_NAME, _SHARE), 4),
        _ON,
    ),
}
"""The fields of each calculator."""


def at_first(name: str) -> dict[str, str]:
    """What stands in an empty form."""
    return {one.name: one.value for one in FORMS[name] if isinstance(one, Field) and one.value}


def question(name: str, typed: Mapping[str, str]) -> dict[str, Any]:
    """What was typed into a form, as the calculator takes it: what is empty is not asked."""
    asked: dict[str, Any] = {}
    for one in FORMS[name]:
        if isinstance(one, Rows):
            asked[one.name] = [
                row[""] if one.plain else row
                for number in range(one.count)
                if (row := _row(one, number, typed))
            ]
        else:
            asked |= _value(one, one.name, typed)
    return asked


def _row(rows: Rows, number: int, typed: Mapping[str, str]) -> dict[str, Any]:
    """One set of fields; nothing where no one wrote into it, for choices are always made."""
    found: dict[str, Any] = {}
    written = False
    for field in rows.fields:
        value = _value(field, place(rows.name, number, field.name), typed)
        written |= bool(value) and field.kind not in ("choice", "check")
        found |= value
    return found if written else {}


def _value(field: Field, typed_as: str, typed: Mapping[str, str]) -> dict[str, Any]:
    value = typed.get(typed_as, "").strip()
    if field.kind == "check":
        return {field.name: bool(value)}
    return {field.name: value} if value else {}


def place(rows: str, number: int, field: str) -> str:
    """The name of a field of a set."""
    return f"{rows}-{number}-{field}"


def label_of(name: str, loc: Sequence[int | str]) -> Text | None:
    """The label of the field that a failure is about; None where it is about none."""
    labels: list[Text] = []
    fields: Sequence[Field | Rows] = FORMS[name]
    for step in loc:
        if isinstance(step, int):
            continue
        one = next((one for one in fields if one.name == step), None)
        if one is None:
            break
        labels.append(one.label)
        fields = one.fields if isinstance(one, Rows) else ()
    if not labels:
        return None
    return Text(" ".join(one.zh for one in labels), " ".join(one.en for one in labels))
