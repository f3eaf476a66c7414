"""Names of what deals go through, as notices and pages say them."""

from typing import Final

from kechuangtong.core.language import Text
from kechuangtong.deals.states import Action, Cause, Pricing
from kechuangtong.models.deal import DealSide, DealState

STATES: Final = {
    DealState.INTEREST: Text("意向", "Interest"),
    DealState.INTRODUCED: Text("已引荐", "Introduced"),
    DealState.CONFIDENTIAL: Text("已签保密协议", "Confidentiality agreed"),
    DealState.NEGOTIATION: Text("洽谈中", "In negotiation"),
    DealState.PRICE_NOTICE: Text("价格公示中", "Price on notice"),
    DealState.SIGNED: Text("合同已签订", "Contract signed"),
    DealState.REGISTRATION_APPLIED: Text("已申请认定登记", "Registration applied for"),
    DealState.REGISTERED: Text("已登记", "Registered"),
    DealState.REGISTRATION_REFUSED: Text("不予登记", "Registration refused"),
    DealState.PERFORMING: Text("履行中", "In performance"),
    DealState.RECEIPTS: Text("到款中", "Money comes in"),
    DealState.COMPLETED: Text("已完成", "Completed"),
    DealState.TERMINATED: Text("已终止", "Terminated"),
}
ACTIONS: Final = {
    Action.CREATE: Text("建立交易", "Open the deal"),
    Action.AGREE_INTRODUCTION: Text("同意引荐", "Agree to the introduction"),
    Action.AGREE_CONFIDENTIALITY: Text("签订保密协议", "Agree on confidentiality"),
    Action.START_NEGOTIATION: Text("开始洽谈", "Start the negotiation"),
    Action.PUBLISH_PRICE: Text("公示价格", "Put the price on notice"),
    Action.RETURN_TO_NEGOTIATION: Text("退回洽谈", "Return to the negotiation"),
    Action.SIGN_CONTRACT: Text("签订合同", "Sign the contract"),
    Action.APPLY_REGISTRATION: Text("申请认定登记", "Apply for registration"),
    Action.REGISTER: Text("准予登记", "Record the registration"),
    Action.REFUSE_REGISTRATION: Text("不予登记", "Record the refusal of registration"),
    Action.START_PERFORMING: Text("开始履行", "Start the performance"),
    Action.RECORD_RECEIPT: Text("记录到款", "Record a receipt"),
    Action.COMPLETE: Text("完成交易", "Complete the deal"),
    Action.TERMINATE: Text("终止交易", "Terminate the deal"),
}
SIDES: Final = {
    DealSide.SELLER: Text("卖方", "Seller"),
    DealSide.BUYER: Text("买方", "Buyer"),
}
PRICINGS: Final = {
    Pricing.AGREEMENT: Text("协议定价", "by agreement"),
    Pricing.LISTING: Text("挂牌交易", "by listing on an exchange"),
    Pricing.AUCTION: Text("拍卖", "by auction"),
    Pricing.NO_ACHIEVEMENT: Text(
        "不涉及已有成果（委托开发、咨询、服务）",
        "no achievement changes hands (development, consulting, service)",
    ),
}
CAUSES: Final = {
    Cause.PRICE: Text("价格未谈拢", "no agreement on the price"),
    Cause.FUNDS: Text("资金未落实", "no funds"),
    Cause.TECHNOLOGY: Text("技术未达要求", "the technology does not do"),
    Cause.RIGHTS: Text("知识产权问题", "the rights are in doubt"),
    Cause.OTHER_PARTNER: Text("另择合作方", "another partner"),
    Cause.NO_LONGER_NEEDED: Text("不再需要", "no longer needed"),
    Cause.BREACH: Text("对方违约", "the other side broke its word"),
    Cause.OTHER: Text("其他", "other"),
}
