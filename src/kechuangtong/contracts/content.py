"""What a technology contract says: its kind, items, parties, amounts and payment.

The items are those of 民法典 845 and of the chapters of each kind; which of them a contract needs
is told by `items`. All amounts are in yuan.
"""

import uuid
from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from kechuangtong.contracts.plan import (
    ByInstalments,
    EntryFeeAndRoyalty,
    InShares,
    PaymentPlan,
    Percent,
    check_instalments,
)
from kechuangtong.core.identifiers import IdentifierError, parse_patent
from kechuangtong.core.language import Text
from kechuangtong.core.money import HUNDRED, part
from kechuangtong.core.schemas import FreeText, Input, Line, ShortLine, Yuan
from kechuangtong.deals.schemas import SaleReference
from kechuangtong.deals.states import BY_SALE, Pricing
from kechuangtong.lists.schemas import Day
from kechuangtong.models.contract import ContractKind, ContractSide, SubKind

_SUB_KIND = Text("此细类不属于该合同类型", "this is no sub-kind of that kind")
_NO_LICENCE = Text("只有技术许可合同填许可条款", "only a licence contract has terms of a licence")
_PRICING = Text(
    "转让或许可的是已有成果，请选其他定价方式", "a transfer or licence sells an achievement"
)
_REFERENCE = Text(
    "只有挂牌交易、拍卖填成交编号", "only a listing or an auction has a sale_reference"
)
_DAYS = Text("止日不得早于起日", "the last day does not lie before the first")
_WHO = Text("请填单位标识或名称", "a party has an organization or a name")
_SHARE_OF_BROKER = Text(
    "中介方填佣金，买卖双方填份额", "brokers have commissions, sellers and buyers have shares"
)
_COMMISSION = Text("佣金填金额或比例之一", "a commission is an amount or a percentage")
_SHARES = Text(
    "{side}份额之和须为 100%，现为 {sum}%", "shares of the {side} add up to 100, not {sum}"
)
_SHARES_ALL = Text("同一方的份额须全部填写或全部不填", "of a side all shares are named, or none")
_TWICE = Text("同一单位只能出现一次", "each organization stands once")
_DEDUCTED = Text(
    "扣除项之和 {sum} 超过成交额 {total}", "what is deducted, {sum}, exceeds the total, {total}"
)
_COMMISSIONS = Text("佣金之和超过成交额", "the commissions exceed the total")
_ENTRY_FEE = Text("入门费超过成交额", "the entry fee exceeds the total")
_SHARE_VALUE = Text("作价金额须等于成交额", "the value of the shares is the total")
_NUMBERS_DIFFER = Text(
    "专利号与申请号不一致", "a patent number is its application number, with ZL before it"
)

SUB_KINDS: Final = {
    SubKind.COMMISSIONED: ContractKind.DEVELOPMENT,
    SubKind.COOPERATIVE: ContractKind.DEVELOPMENT,
    SubKind.TECHNICAL_SERVICE: ContractKind.SERVICE,
    SubKind.TRAINING: ContractKind.SERVICE,
    SubKind.INTERMEDIATION: ContractKind.SERVICE,
}
Clause = Annotated[FreeText, StringConstraints(min_length=1, max_length=5_000)]
Title = Annotated[FreeText, StringConstraints(min_length=1, max_length=300)]


def _patent_number(text: str) -> str:
    try:
        return parse_patent(text).number
    except IdentifierError as error:
        raise ValueError(error.message) from None


PatentNumber = Annotated[
    FreeText, StringConstraints(min_length=1, max_length=60), AfterValidator(_patent_number)
]
"""A number with its check digit, in its one form."""


class LicenceType(StrEnum):
    """Who may use what is licensed (技术合同解释 25)."""

    EXCLUSIVE = "exclusive"  # 独占：被许可人
    SOLE = "sole"  # 排他：被许可人与许可人
    ORDINARY = "ordinary"  # 普通：也可许可他人


class Licence(Input):
    """The terms of a licence (许可). Where nothing is said it is an ordinary one (解释 25)."""

    type: LicenceType = LicenceType.ORDINARY
    scope: Annotated[Clause | None, Field(description="Ways of use (实施方式和范围)")] = None
    territory: Annotated[Line | None, Field(description="Where (地域)")] = None
    from_on: Day | None = None
    until_on: Day | None = None
    sublicensing: Annotated[bool, Field(description="May be licensed on (可再许可)")] = False

    @model_validator(mode="after")
    def _a_term(self) -> Self:
        if self.from_on and self.until_on and self.until_on < self.from_on:
            raise ValueError(_DAYS)
        return self


class ContractPatent(Input):
    """A patent that a contract is about, with what 民法典 845 wants of it."""

    name: Annotated[Line | None, Field(description="Of the invention (发明创造名称)")] = None
    applicant: Annotated[Line | None, Field(description="申请人")] = None
    owner: Annotated[Line | None, Field(description="专利权人")] = None
    filed_on: Annotated[Day | None, Field(description="申请日期")] = None
    application_number: Annotated[PatentNumber | None, Field(description="申请号")] = None
    patent_number: Annotated[PatentNumber | None, Field(description="专利号")] = None
    valid_until: Annotated[Day | None, Field(description="Last day of its term (有效期限)")] = None
    pending: Annotated[
        bool, Field(description="Not granted yet: without owner, number and term (尚未授权)")
    ] = False

    @model_validator(mode="after")
    def _one_patent(self) -> Self:
        numbers = {self.application_number, self.patent_number} - {None}
        if len({number.removeprefix("ZL") for number in numbers if number}) > 1:
            raise ValueError(_NUMBERS_DIFFER)
        if self.filed_on and self.valid_until and self.valid_until < self.filed_on:
            raise ValueError(_DAYS)
        return self


class DeductionKind(StrEnum):
    """What is no money for technology (技术合同解释 14). What a reasonable quantity of the
    deliverable costs directly is not deducted, so it is none of these."""

    EQUIPMENT = "equipment"  # 设备、仪器
    PARTS = "parts"  # 零部件
    MATERIALS = "materials"  # 原材料
    OTHER = "other"  # 其他非技术性费用


class Deduction(Input):
    """An item of the total that is no money for technology (非技术性费用)."""

    name: Line
    kind: DeductionKind = DeductionKind.OTHER
    amount: Annotated[Yuan, Field(gt=0)]


class Party(Input):
    """Who stands in a contract: by its organization, brokers also by their name alone.

    Shares are in percent: those of the sellers, and those of the buyers, add up to 100. What is
    received goes to the sellers by their shares, after the brokers' commissions.
    """

    side: ContractSide
    organization_id: uuid.UUID | None = None
    name: Annotated[Line | None, Field(description="Kept as it is written (名称)")] = None
    share: Percent | None = None
    commission_amount: Annotated[
        Yuan | None, Field(description="Paid as the total is received (佣金)")
    ] = None
    commission_percent: Annotated[
        Percent | None, Field(description="Of what is received (佣金比例)")
    ] = None

    @model_validator(mode="after")
    def _as_its_side(self) -> Self:
        if self.organization_id is None and self.name is None:
            raise ValueError(_WHO)
        commissions = [self.commission_amount, self.commission_percent]
        if self.side is ContractSide.BROKER:
            if self.share is not None:
                raise ValueError(_SHARE_OF_BROKER)
            if None not in commissions:
                raise ValueError(_COMMISSION)
        elif commissions != [None, None]:
            raise ValueError(_SHARE_OF_BROKER)
        return self

    def commission(self, total: Decimal) -> Decimal:
        """What a broker gets of a total, in yuan."""
        if self.commission_amount is not None:
            return self.commission_amount
        return part(total, self.commission_percent or Decimal(0))


def joined(parties: Iterable[Party]) -> list[Party]:
    """Parties of which some are one organization since a merging: those of a side have their shares
    together, and a broker that stands there already stays by its name alone."""
    found: list[Party] = []
    for party in parties:
        same = [one for one in found if one.organization_id == party.organization_id is not None]
        if not same:
            found.append(party)
        elif same[0].side is party.side is not ContractSide.BROKER:
            share = (same[0].share or Decimal(0)) + (party.share or Decimal(0))
            found[found.index(same[0])] = same[0].model_copy(update={"share": share})
        else:
            found.append(party.model_copy(update={"organization_id": None}))
    return found


class ContractTerms(Input):
    """What a contract may say; in a change, what is not named stays."""

    title: Annotated[Title | None, Field(description="Name of the project (项目名称)")] = None
    number: Annotated[ShortLine | None, Field(description="The parties' own (合同编号)")] = None
    kind: ContractKind | None = None
    sub_kind: SubKind | None = None
    pricing: Annotated[
        Pricing | None,
        Field(description="Of transfers and licences; else no achievement is sold (定价方式)"),
    ] = None
    sale_reference: Annotated[
        SaleReference | None,
        Field(
            description="Of a listing or auction elsewhere: the exchange and its transaction "
            "number (交易场所和成交编号)"
        ),
    ] = None
    technology_import: Annotated[
        bool, Field(description="From abroad: the buyer registers it (技术进口)")
    ] = False
    subject: Annotated[
        Clause | None, Field(description="Content, scope, requirements (标的的内容、范围和要求)")
    ] = None
    performance: Annotated[
        Clause | None, Field(description="Plan, place, way (履行的计划、地点和方式)")
    ] = None
    confidentiality: Annotated[Clause | None, Field(description="技术信息和资料的保密")] = None
    results: Annotated[
        Clause | None,
        Field(description="Whose the results are (技术成果的归属和收益的分配办法)"),
    ] = None
    acceptance: Annotated[
        Clause | None, Field(description="Standard and method (验收标准和方法)")
    ] = None
    definitions: Annotated[Clause | None, Field(description="名词和术语的解释")] = None
    division: Annotated[
        Clause | None,
        Field(description="Of cooperative development: who does and brings what (投资与分工)"),
    ] = None
    training: Annotated[
        Clause | None, Field(description="Of training: for whom, what, how long (培训内容)")
    ] = None
    risk: Annotated[Clause | None, Field(description="风险责任")] = None
    breach: Annotated[Clause | None, Field(description="违约责任")] = None
    disputes: Annotated[Clause | None, Field(description="争议的解决办法")] = None
    patents: Annotated[list[ContractPatent], Field(max_length=50)] = []
    know_how: Annotated[
        Clause | None, Field(description="Secrets and other rights (技术秘密及其他成果)")
    ] = None
    licence: Licence | None = None
    starts_on: Day | None = None
    ends_on: Day | None = None
    parties: Annotated[
        list[Party],
        Field(max_length=50, description="A side that is not named is the deal's, equally"),
    ] = []
    total: Annotated[Yuan | None, Field(description="In yuan (成交额)")] = None
    deductions: Annotated[list[Deduction], Field(max_length=50, description="非技术性费用")] = []
    payment: PaymentPlan | None = None


class ContractContent(ContractTerms):
    """What a contract says as a whole."""

    title: Annotated[Title, Field(description="Name of the project (项目名称)")]
    kind: ContractKind
    total: Annotated[Yuan, Field(description="In yuan (成交额)")]

    @model_validator(mode="after")
    def _kind_and_licence_agree(self) -> Self:
        if self.sub_kind is not None and SUB_KINDS[self.sub_kind] is not self.kind:
            raise ValueError(_SUB_KIND)
        of_achievement = self.kind in (ContractKind.TRANSFER, ContractKind.LICENSE)
        if of_achievement and self.pricing is Pricing.NO_ACHIEVEMENT:
            raise ValueError(_PRICING)
        if self.sale_reference is not None and self.pricing not in BY_SALE:
            raise ValueError(_REFERENCE)
        if self.kind is ContractKind.LICENSE:
            self.licence = self.licence or Licence()
        elif self.licence is not None:
            raise ValueError(_NO_LICENCE)
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            raise ValueError(_DAYS)
        return self

    @model_validator(mode="after")
    def _shares_add_up(self) -> Self:
        named = [one.organization_id for one in self.parties if one.organization_id is not None]
        if len(set(named)) < len(named):
            raise ValueError(_TWICE)
        for side in (ContractSide.SELLER, ContractSide.BUYER):
            shares = [one.share for one in self.parties if one.side is side]
            given = [one for one in shares if one is not None]
            if given and len(given) < len(shares):
                raise ValueError(_SHARES_ALL)
            if given and (added := sum(given, Decimal(0))) != HUNDRED:
                zh = "卖方" if side is ContractSide.SELLER else "买方"
                values = {"sum": f"{added:f}"}
                raise ValueError(
                    Text(
                        _SHARES.zh.format(side=zh, **values),
                        _SHARES.en.format(side=f"{side.value}s", **values),
                    )
                )
        return self

    @model_validator(mode="after")
    def _amounts_add_up(self) -> Self:
        if (added := self.deducted) > self.total:
            raise ValueError(_DEDUCTED.format(sum=f"{added:.2f}", total=f"{self.total:.2f}"))
        commissions = (one.commission(self.total) for one in self.parties)
        percents = (one.commission_percent or Decimal(0) for one in self.parties)
        if sum(commissions) > self.total or sum(percents) > HUNDRED:
            raise ValueError(_COMMISSIONS)
        if isinstance(self.payment, ByInstalments):
            check_instalments(self.payment.instalments, self.total)
        elif isinstance(self.payment, EntryFeeAndRoyalty):
            if self.payment.entry_fee > self.total:
                raise ValueError(_ENTRY_FEE)
            check_instalments(self.payment.instalments, self.payment.entry_fee)
        elif isinstance(self.payment, InShares) and self.payment.value != self.total:
            raise ValueError(_SHARE_VALUE)
        return self

    @property
    def deducted(self) -> Decimal:
        """What is no money for technology, in yuan."""
        return sum((one.amount for one in self.deductions), Decimal(0))

    @property
    def technical(self) -> Decimal:
        """What the technology costs (技术交易额), in yuan: at least 0, at most the total."""
        return self.total - self.deducted

    def of_side(self, side: ContractSide) -> list[Party]:
        """The parties of a side, in their order."""
        return [one for one in self.parties if one.side is side]
