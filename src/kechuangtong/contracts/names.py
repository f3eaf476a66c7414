"""Names of what contracts are and go through, as pages say them."""

from typing import Final

from kechuangtong.contracts.content import DeductionKind, LicenceType
from kechuangtong.contracts.plan import Period
from kechuangtong.core.language import Text
from kechuangtong.models.contract import (
    ContractKind,
    ContractSide,
    ContractState,
    ProposalKind,
    RegistrationState,
    SubKind,
)

KINDS: Final = {
    ContractKind.DEVELOPMENT: Text("技术开发", "Development"),
    ContractKind.TRANSFER: Text("技术转让", "Transfer"),
    ContractKind.LICENSE: Text("技术许可", "Licence"),
    ContractKind.CONSULTING: Text("技术咨询", "Consulting"),
    ContractKind.SERVICE: Text("技术服务", "Service"),
}
SUB_KINDS: Final = {
    SubKind.COMMISSIONED: Text("委托开发", "commissioned"),
    SubKind.COOPERATIVE: Text("合作开发", "cooperative"),
    SubKind.TECHNICAL_SERVICE: Text("一般技术服务", "technical service"),
    SubKind.TRAINING: Text("技术培训", "training"),
    SubKind.INTERMEDIATION: Text("技术中介", "intermediation"),
}
STATES: Final = {
    ContractState.DRAFT: Text("草拟", "Draft"),
    ContractState.SIGNED: Text("已签订", "Signed"),
    ContractState.CANCELLED: Text("已解除", "Cancelled"),
    ContractState.DISCARDED: Text("已作废", "Discarded"),
}
SIDES: Final = {
    ContractSide.SELLER: Text("卖方", "Seller"),
    ContractSide.BUYER: Text("买方", "Buyer"),
    ContractSide.BROKER: Text("中介方", "Broker"),
}
PROPOSALS: Final = {
    ProposalKind.AMENDMENT: Text("变更", "Amendment"),
    ProposalKind.CANCELLATION: Text("解除", "Cancellation"),
}
REGISTRATIONS: Final = {
    RegistrationState.APPLIED: Text("已申请认定登记", "Registration applied for"),
    RegistrationState.ACCEPTED: Text("登记已受理", "Registration accepted"),
    RegistrationState.REGISTERED: Text("已认定登记", "Registered"),
    RegistrationState.REFUSED: Text("不予登记", "Registration refused"),
}
LICENCES: Final = {
    LicenceType.EXCLUSIVE: Text("独占许可", "exclusive"),
    LicenceType.SOLE: Text("排他许可", "sole"),
    LicenceType.ORDINARY: Text("普通许可", "ordinary"),
}
DEDUCTIONS: Final = {
    DeductionKind.EQUIPMENT: Text("设备、仪器", "equipment"),
    DeductionKind.PARTS: Text("零部件", "parts"),
    DeductionKind.MATERIALS: Text("原材料", "materials"),
    DeductionKind.OTHER: Text("其他", "other"),
}
PERIODS: Final = {
    Period.MONTH: Text("按月", "monthly"),
    Period.QUARTER: Text("按季", "quarterly"),
    Period.HALF_YEAR: Text("按半年", "half-yearly"),
    Period.YEAR: Text("按年", "yearly"),
}
