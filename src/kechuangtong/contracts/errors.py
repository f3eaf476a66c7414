"""The named failures of contracts and their payments."""

from collections.abc import Sequence
from decimal import Decimal

from kechuangtong.contracts.items import Missing
from kechuangtong.core.errors import Conflict, Invalid
from kechuangtong.core.language import Text


class DealUnknown(Invalid):
    code = "deal_unknown"
    text = Text("没有这样的交易。", "There is no such deal.")
    place = ("body", "deal_id")


class DealEnded(Conflict):
    code = "deal_ended"
    text = Text("该交易已结束。", "The deal has ended.")
    place = ("body", "deal_id")


class ContractExists(Conflict):
    code = "contract_exists"
    text = Text("该交易已有合同。", "The deal has a contract already.")
    place = ("body", "deal_id")


class PartyNotInDeal(Invalid):
    code = "party_not_in_deal"
    text = Text("买卖双方须是该交易的当事单位。", "Sellers and buyers are parties of the deal.")


class PartyLeft(Conflict):
    code = "party_left"
    text = Text(
        "合同中有单位已不在该交易中，请先修改合同。",
        "A party of the contract has left the deal: change the contract first.",
    )


class BrokerUnknown(Invalid):
    code = "broker_unknown"
    text = Text("没有这样的单位。", "There is no such organization.")


class ContractInvalid(Invalid):
    """What a change leads to is no contract that holds together."""

    code = "contract_invalid"
    text = Text("{zh}", "{en}")


class SideUnnamed(Invalid):
    code = "side_unnamed"
    text = Text("您可代表双方，请指明哪一方。", "You act for both sides: say for which.")
    place = ("body", "side")


class WrongContractState(Conflict):
    code = "wrong_state"
    text = Text(
        "状态为“{state}”的合同不能执行“{action}”。", "A contract that is {state} has no {action}."
    )


class AlreadyConfirmed(Conflict):
    code = "already_confirmed"
    text = Text("贵方已确认。", "Your side has confirmed already.")


class ContractIncomplete(Conflict):
    """Lists what is missing as `missing`, each with the article that asks for it."""

    code = "contract_incomplete"
    text = Text("合同缺少必备内容：{zh}。", "The contract lacks: {en}.")

    def __init__(self, missing: Sequence[Missing]) -> None:
        super().__init__(
            zh="、".join(one.text.zh for one in missing),
            en="; ".join(one.text.en for one in missing),
        )
        self.extension = {
            "missing": [
                {"code": one.code, "text": str(one.text), "article": one.article} for one in missing
            ]
        }


class ProposalOpen(Conflict):
    code = "proposal_open"
    text = Text("已有一项同类提议待答复。", "One of its kind waits for an answer already.")


class ProposalDecided(Conflict):
    code = "proposal_decided"
    text = Text("该提议已有结果。", "It was decided already.")


class OwnProposal(Conflict):
    code = "own_proposal"
    text = Text("须由对方确认。", "The other side confirms it.")


class NothingChanges(Invalid):
    code = "nothing_changes"
    text = Text("没有变更内容。", "It changes nothing.")
    place = ("body", "changes")


class ReceivedAlready(Conflict):
    code = "received_already"
    text = Text(
        "第 {number} 期已到款 {amount} 元，变更后的该期金额不得小于此数。",
        "Of instalment {number} {amount} yuan were received: it cannot become less.",
    )


class RoyaltyReported(Conflict):
    code = "royalty_reported"
    text = Text(
        "已报告的提成期间须保留。", "Periods of a royalty that were reported stay as they are."
    )


class RegistrationOpen(Conflict):
    code = "registration_open"
    text = Text(
        "已申请登记，合同只登记一次。", "Registration is applied for, or done: it is done once."
    )


class NoRegistration(Conflict):
    code = "no_registration"
    text = Text("没有待办的登记申请。", "There is no application that waits for this.")


class RegisterNumberTaken(Conflict):
    code = "register_number_taken"
    text = Text("该登记编号已用于另一合同。", "Another contract has this register number.")
    place = ("body", "number")


class DatesOutOfOrder(Invalid):
    code = "dates_out_of_order"
    text = Text(
        "日期早于前一步（{date}）。", "This day lies before that of the step before ({date})."
    )


class DateInFuture(Invalid):
    code = "date_in_future"
    text = Text("日期不得晚于今天。", "The day does not lie in the future.")


class DueUnknown(Invalid):
    code = "due_unknown"
    text = Text("该合同没有这笔应付款。", "The contract has no such payment.")
    place = ("body", "due_id")


class DueUnnamed(Invalid):
    code = "due_unnamed"
    text = Text(
        "请指明是哪一笔应付款；只有提成可以不指明。",
        "Say of which payment it is; only a royalty may leave it open.",
    )
    place = ("body", "due_id")


class MoreThanOpen(Conflict):
    """Says how much is open, as `open`."""

    code = "more_than_open"
    text = Text("该笔应付款只余 {amount} 元未到。", "Of this payment {amount} yuan are open.")
    place = ("body", "amount")

    def __init__(self, amount: Decimal) -> None:
        super().__init__(amount=f"{amount:.2f}")
        self.extension = {"open": f"{amount:.2f}"}


class ReversedAlready(Conflict):
    code = "reversed_already"
    text = Text(
        "该笔到款已冲销，或本身是冲销。", "It is reversed already, or is a reversal itself."
    )


class NoRoyalty(Conflict):
    code = "no_royalty"
    text = Text("该合同没有约定提成。", "The contract has no royalty.")


class PeriodUnknown(Invalid):
    code = "period_unknown"
    text = Text("没有从该日开始的提成期间。", "No period of the royalty begins on this day.")
    place = ("body", "period_start")


class PeriodNotOver(Conflict):
    code = "period_not_over"
    text = Text("该期间到 {date} 才结束。", "The period lasts until {date}.")
    place = ("body", "period_start")


class PeriodReported(Conflict):
    code = "period_reported"
    text = Text("该期间已报告。", "The period is reported already.")
    place = ("body", "period_start")


class AlreadyDated(Conflict):
    code = "already_dated"
    text = Text("该笔应付款已有付款日。", "The payment has its day already.")


class TechnicalExceeds(Invalid):
    code = "technical_exceeds_total"
    text = Text("技术交易额不得大于成交额。", "What the technology costs is at most the total.")
    place = ("body", "technical")
