"""The named failures of sales."""

from decimal import Decimal

from kechuangtong.core.errors import Conflict, Invalid
from kechuangtong.core.language import Text


class SaleFieldsDisagree(Invalid):
    code = "sale_fields_disagree"
    text = Text("{zh}", "{en}")
    place = ("body",)


class NoticeTooShort(Invalid):
    code = "notice_too_short"
    text = Text(
        "协议定价的公示不少于 {days} 日。",
        "An agreed price is made public for {days} days at least.",
    )
    place = ("body", "notice_until")


class RecordNotFound(Invalid):
    code = "record_not_found"
    text = Text("没有这样的成果。", "There is no such achievement.")
    place = ("body", "achievement_id")


class BuyerUnknown(Invalid):
    code = "buyer_unknown"
    text = Text("没有这个单位，或它就是出让单位。", "There is no such buyer, or it is the seller.")
    place = ("body", "buyer_id")


class BuyerNotInDeal(Invalid):
    code = "buyer_not_in_deal"
    text = Text("买方须是该交易的买方单位。", "The buyer is one of the buyers of the deal.")
    place = ("body", "buyer_id")


class DealUnsuitable(Invalid):
    code = "deal_unsuitable"
    text = Text(
        "没有这样一项由本单位出让该成果的交易。",
        "There is no deal in which the organization sells this achievement.",
    )
    place = ("body", "deal_id")


class ObjectorUnasked(Invalid):
    code = "objector_unasked"
    text = Text(
        "只有出让单位代为登记异议时填写异议人。",
        "An objector is named by the owner alone, who notes what others tell it.",
    )
    place = ("body", "objector")


class BidderUnnamed(Invalid):
    code = "bidder_unnamed"
    text = Text(
        "有多家申请而无人竞价，请指明成交方的编号。",
        "Several have applied and none has bid: name the number of the one that it goes to.",
    )
    place = ("body", "bidder")


class BidderUnknown(Invalid):
    code = "bidder_unknown"
    text = Text(
        "成交方不是申请人或最高出价人。", "This is no applicant, or not the highest bidder."
    )
    place = ("body", "bidder")


class AnswerTooSoon(Invalid):
    code = "answer_too_soon"
    text = Text("答复期限最早为 {date}。", "The last day to answer is {date} at the earliest.")
    place = ("body", "answer_until")


class AnswerDayWrong(Invalid):
    code = "answer_day_wrong"
    text = Text(
        "答复日期须在征询之日（{first}）与今天（{last}）之间，且不晚于答复期限。",
        "The day of the answer lies between that of the offer ({first}) and today ({last}), and "
        "not after the last day to answer.",
    )
    place = ("body", "on")


class WrongSaleState(Conflict):
    code = "wrong_state"
    text = Text(
        "状态为“{state}”的出让不能执行“{action}”。", "A sale that is {state} has no {action}."
    )


class WrongWay(Conflict):
    code = "wrong_way"
    text = Text("以“{way}”方式进行的出让没有“{action}”。", "A sale by {way} has no {action}.")


class RecordNotOpen(Conflict):
    code = "record_not_open"
    text = Text("该成果未发布或已过期。", "The achievement is not published, or has expired.")


class SalePast(Conflict):
    code = "sale_past"
    text = Text(
        "所定的时间已过，请先修改。", "The times that were set are past: change them first."
    )


class NotBegun(Conflict):
    code = "not_begun"
    text = Text("尚未开始。", "It has not begun yet.")


class OwnSale(Conflict):
    code = "own_sale"
    text = Text("出让单位不能参与自己的出让。", "The seller has no part in its own sale.")


class AlreadyApplied(Conflict):
    code = "already_applied"
    text = Text("本单位已经申请。", "The organization has applied already.")


class NotApplied(Conflict):
    code = "not_applied"
    text = Text("请先申请，再参与竞价。", "Apply first, then bid.")


class NoCompetition(Conflict):
    code = "no_competition"
    text = Text(
        "只有一家申请，无须竞价。", "There is one applicant alone, and nobody to bid against."
    )


class BidTooLow(Conflict):
    """Says from which amount on the next bid counts."""

    code = "bid_too_low"
    text = Text("出价至少为 {least} 元。", "The next bid is {least} yuan at least.")
    place = ("body", "amount")

    def __init__(self, least: Decimal) -> None:
        super().__init__(least=f"{least:.2f}")
        self.extension = {"least": f"{least:.2f}"}


class ObjectionOpen(Conflict):
    code = "objection_open"
    text = Text("尚有异议未处理。", "An objection is still to be decided.")


class ObjectionDecided(Conflict):
    code = "objection_decided"
    text = Text("该异议已经处理。", "The objection was decided already.")


class FirstRefusalNeeded(Conflict):
    code = "first_refusal_needed"
    text = Text(
        "转让职务科技成果前，须以同等条件征询成果完成人是否优先受让（民法典第八百四十七条）。",
        "Before a job achievement is transferred, its makers are offered it on the same terms "
        "(Civil Code, art. 847).",
    )


class FirstRefusalOpen(Conflict):
    code = "first_refusal_open"
    text = Text(
        "成果完成人的优先受让权尚待答复，期限至 {until}。",
        "The makers have until {until} to say whether they take it.",
    )


class FirstRefusalTaken(Conflict):
    code = "first_refusal_taken"
    text = Text("成果完成人已行使优先受让权。", "The makers take it.")


class NoFirstRefusal(Conflict):
    code = "no_first_refusal"
    text = Text(
        "只有转让登记了完成人的职务科技成果，才有优先受让权。",
        "There is first refusal in the transfer of a job achievement with makers alone.",
    )


class NothingToAnswer(Conflict):
    code = "nothing_to_answer"
    text = Text("没有待答复的征询。", "There is no offer that waits for an answer.")
