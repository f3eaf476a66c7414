"""The named failures of deals."""

from kechuangtong.core.errors import Conflict, Invalid
from kechuangtong.core.language import Text


class DealSubjectMissing(Invalid):
    code = "deal_subject_missing"
    text = Text("请指明引荐、成果或需求。", "Name an introduction, an achievement or a demand.")
    place = ("body",)


class IntroductionAlone(Invalid):
    code = "introduction_alone"
    text = Text(
        "由引荐建立交易时，记录和单位取自引荐，不另填。",
        "A deal from an introduction takes its records and organizations from there.",
    )


class IntroductionUnknown(Invalid):
    code = "introduction_unknown"
    text = Text("没有这样的引荐。", "There is no such introduction.")
    place = ("body", "introduction_id")


class DealExists(Conflict):
    code = "deal_exists"
    text = Text("已有这样的交易。", "There is such a deal already.")
    place = ("body",)


class DemandAnonymous(Conflict):
    code = "demand_anonymous"
    text = Text(
        "匿名需求须先提出对接意向，双方引荐后再建立交易。",
        "Of an anonymous demand express an interest first: a deal starts from the introduction.",
    )
    place = ("body", "demand_id")


class WrongDealState(Conflict):
    code = "wrong_state"
    text = Text(
        "状态为“{state}”的交易不能执行“{action}”。", "A deal that is {state} has no {action}."
    )
    place = ("body", "action")


class SideUnnamed(Invalid):
    code = "side_unnamed"
    text = Text(
        "您可代表交易双方，请指明哪一方。",
        "You act for both sides of the deal: say for which.",
    )
    place = ("body", "side")


class ContractDecides(Conflict):
    code = "contract_decides"
    text = Text(
        "该交易已有合同，此步随合同的签订、登记、到款或解除而定。",
        "The deal has a contract: this follows from its signing, registration, receipts or end.",
    )
    place = ("body", "action")


class AlreadyAgreed(Conflict):
    code = "already_agreed"
    text = Text("本方已确认，等待对方。", "Your side has agreed already; the other is waited for.")
    place = ("body", "action")


class PriceNoticeRequired(Conflict):
    code = "price_notice_required"
    text = Text(
        "公立单位协议定价的，须先公示价格，期满后才能签订合同。",
        "A public owner that agreed on the price puts it on notice before the contract is signed.",
    )
    place = ("body", "action")


class PriceNoticeRunning(Conflict):
    code = "price_notice_running"
    text = Text(
        "价格公示至 {until}，期满后才能签订合同。",
        "The price is on notice until {until}; the contract is signed after that.",
    )
    place = ("body", "action")


class PriceObjectionOpen(Conflict):
    code = "price_objection_open"
    text = Text(
        "对公示价格的异议尚未处理，处理后才能签订合同。",
        "An objection to the price on notice is still to be decided; the contract is signed after "
        "that.",
    )
    place = ("body", "action")


class SaleNotAwarded(Conflict):
    code = "sale_not_awarded"
    text = Text(
        "平台上没有该成果以此方式成交给买方的记录；在其他交易场所成交的，请填交易场所和成交编号。",
        "No sale here in this way has awarded the achievement to the buyer; of one that was held "
        "elsewhere, name the exchange and its transaction number (`sale_reference`).",
    )
    place = ("body", "pricing")


class AchievementSold(Conflict):
    code = "achievement_sold"
    text = Text(
        "该交易转化的是已有成果，请选其他定价方式；属技术开发、咨询、服务的，请在平台起草此类合同。",
        "The deal is about an achievement: say how its price came to be. For development, "
        "consulting or service draft a contract of that kind here.",
    )
    place = ("body", "pricing")


class DayInFuture(Invalid):
    code = "day_in_future"
    text = Text("日期不能晚于今天。", "The day lies in the future.")
    place = ("body", "on")


class DayBeforeStep(Invalid):
    code = "day_before_step"
    text = Text(
        "日期不能早于上一步（{day}）。", "The day lies before that of the step before ({day})."
    )
    place = ("body", "on")


class FieldRequired(Invalid):
    code = "missing"
    text = Text("“{action}”须填此项。", "{action} needs this.")


class FieldUnasked(Invalid):
    code = "extra_forbidden"
    text = Text("“{action}”没有此项。", "{action} has no such value.")


class RegisterNumberInvalid(Invalid):
    code = "register_number_invalid"
    text = Text("登记编号无效：{why}。", "The register number cannot be right: {why}.")
    place = ("body", "register_number")


class PartyExists(Conflict):
    code = "party_exists"
    text = Text("该单位已在此交易中。", "The organization takes part in this deal already.")
    place = ("body", "organization_id")


class PartyLeads(Conflict):
    code = "party_leads"
    text = Text("牵头单位不能退出。", "The leading organization of a side stays.")


class PartiesFixed(Conflict):
    code = "parties_fixed"
    text = Text(
        "合同签订后，参与单位不再变动。",
        "Once the contract is signed, nobody joins or leaves.",
    )


class StepUnknown(Invalid):
    code = "step_unknown"
    text = Text("此交易没有这一步。", "The deal has no such step.")
    place = ("body", "step")


class DocumentStays(Conflict):
    code = "document_stays"
    text = Text("属于某一步的文件不能删除。", "What belongs to a step of the deal is kept with it.")
