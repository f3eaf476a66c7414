"""The named failures of brokers, mandates and service institutions."""

from kechuangtong.core.errors import Conflict, Invalid
from kechuangtong.core.language import Text


class BrokerExists(Conflict):
    code = "broker_exists"
    text = Text("此人已有经纪人档案。", "This person has a broker's record already.")
    place = ("body", "user_id")


class NotOfInstitution(Invalid):
    code = "not_of_institution"
    text = Text("经纪人须是其所在机构的成员。", "A broker is one of the people of its institution.")
    place = ("body", "user_id")


class WrongBrokerState(Conflict):
    code = "wrong_state"
    text = Text(
        "状态为“{state}”的经纪人不能执行“{action}”。", "A broker that is {state} has no {action}."
    )


class ReviewedField(Conflict):
    code = "reviewed_field"
    text = Text(
        "登记后，姓名、机构、等级和证书须用 renew 提交审核后变更。",
        "Once registered, the name, the institution, the grade and the certificate change by "
        "`renew`, which is reviewed.",
    )
    place = ("body",)


class CertificatePeriod(Invalid):
    code = "certificate_period"
    text = Text(
        "有效期须晚于发证日期。", "The certificate is valid until a day after it was issued."
    )
    place = ("body", "valid_until")


class CertificateOver(Invalid):
    code = "certificate_over"
    text = Text("证书已过有效期。", "The certificate is over.")
    place = ("body", "valid_until")


class BrokerUnknown(Invalid):
    code = "broker_unknown"
    text = Text("没有这样的经纪人。", "There is no such broker.")
    place = ("body", "broker_id")


class BrokerNotPractising(Conflict):
    code = "broker_not_practising"
    text = Text(
        "该经纪人目前不在登记有效期内。", "The broker is not registered with a valid certificate."
    )
    place = ("body", "broker_id")


class ConflictOfInterest(Conflict):
    code = "conflict_of_interest"
    text = Text(
        "该经纪人已声明与{organization}有利益冲突。",
        "The broker has declared a conflict of interest with {organization}.",
    )


class SubjectMissing(Invalid):
    code = "subject_missing"
    text = Text("请指明一项成果或需求。", "Name an achievement or a demand.")


class RecordNotFound(Invalid):
    code = "record_not_found"
    text = Text("没有这样的成果或需求。", "There is no such achievement or demand.")


class RecordNotPublished(Conflict):
    code = "record_not_published"
    text = Text("该记录未发布或已过期，不能委托。", "The record is not published, or has expired.")


class PeriodOver(Invalid):
    code = "period_over"
    text = Text("委托期限已过。", "The period of the mandate is over.")
    place = ("body", "ends_on")


class MandateExists(Conflict):
    code = "mandate_exists"
    text = Text(
        "该经纪人在此期间已有这条记录的委托。",
        "The broker has a mandate for this record in that period already.",
    )
    place = ("body",)


class MandateExclusive(Conflict):
    code = "mandate_exclusive"
    text = Text(
        "独家委托期间，同一记录不能另有委托。",
        "While a mandate is exclusive, there is no other for the same record.",
    )
    place = ("body",)


class WrongMandateState(Conflict):
    code = "wrong_state"
    text = Text(
        "状态为“{state}”的委托不能执行“{action}”。", "A mandate that is {state} has no {action}."
    )
