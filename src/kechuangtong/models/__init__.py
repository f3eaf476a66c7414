"""All tables, one file a concept: deals and matches cross every domain."""

from kechuangtong.models.account import (
    ApiKey,
    IdempotentAnswer,
    Identity,
    Invitation,
    Membership,
    PasswordReset,
    SignIn,
    SignInFailures,
    User,
)
from kechuangtong.models.achievement import Achievement
from kechuangtong.models.attachment import Attachment, AttachmentGrant
from kechuangtong.models.base import Base
from kechuangtong.models.booking import Booking, BookingItem
from kechuangtong.models.broker import (
    Broker,
    BrokerConflict,
    BrokerTraining,
    DealBroker,
    Mandate,
    ServiceProfile,
)
from kechuangtong.models.calendar import CalendarFeed
from kechuangtong.models.change import PublicChange
from kechuangtong.models.contract import (
    Contract,
    ContractParty,
    ContractProposal,
    ContractRegistration,
    ContractVersion,
    PaymentDue,
    PaymentReceipt,
    RoyaltyReport,
)
from kechuangtong.models.deal import Deal, DealDocument, DealParty, DealStep
from kechuangtong.models.demand import Demand
from kechuangtong.models.edition import Edition, EditionRecord
from kechuangtong.models.event import Event
from kechuangtong.models.feedback import MatchFeedback
from kechuangtong.models.importing import ColumnMapping, Import, ImportRow
from kechuangtong.models.indexing import (
    IndexMark,
    IndexRebuild,
    LiveIndex,
    Profile,
    TermCount,
    Vector,
)
from kechuangtong.models.instrument import (
    Instrument,
    InstrumentClosure,
    InstrumentPrice,
    Qualification,
)
from kechuangtong.models.interest import (
    Interest,
    InterestMessage,
    Introduction,
    SavedSearch,
)
from kechuangtong.models.job import Schedule, Worker
from kechuangtong.models.mail import Mail
from kechuangtong.models.match_run import MatchRun, MatchRunPair
from kechuangtong.models.notice import Notice
from kechuangtong.models.organization import Organization
from kechuangtong.models.ownership import FirstRefusal, Inventor, Ownership, OwnershipUnit
from kechuangtong.models.rate import RateCount
from kechuangtong.models.review import Registration, Review
from kechuangtong.models.sale import Sale, SaleBid, SaleEntrant, SaleObjection

__all__ = [
    "Achievement",
    "ApiKey",
    "Attachment",
    "AttachmentGrant",
    "Base",
    "Booking",
    "BookingItem",
    "Broker",
    "BrokerConflict",
    "BrokerTraining",
    "CalendarFeed",
    "ColumnMapping",
    "Contract",
    "ContractParty",
    "ContractProposal",
    "ContractRegistration",
    "ContractVersion",
    "Deal",
    "DealBroker",
    "DealDocument",
    "DealParty",
    "DealStep",
    "Demand",
    "Edition",
    "EditionRecord",
    "Event",
    "FirstRefusal",
    "IdempotentAnswer",
    "Identity",
    "Import",
    "ImportRow",
    "IndexMark",
    "IndexRebuild",
    "Instrument",
    "InstrumentClosure",
    "InstrumentPrice",
    "Interest",
    "InterestMessage",
    "Introduction",
    "Inventor",
    "Invitation",
    "LiveIndex",
    "Mail",
    "Mandate",
    "MatchFeedback",
    "MatchRun",
    "MatchRunPair",
    "Membership",
    "Notice",
    "Organization",
    "Ownership",
    "OwnershipUnit",
    "PasswordReset",
    "PaymentDue",
    "PaymentReceipt",
    "Profile",
    "PublicChange",
    "Qualification",
    "RateCount",
    "Registration",
    "Review",
    "RoyaltyReport",
    "Sale",
    "SaleBid",
    "SaleEntrant",
    "SaleObjection",
    "SavedSearch",
    "Schedule",
    "ServiceProfile",
    "SignIn",
    "SignInFailures",
    "TermCount",
    "User",
    "Vector",
    "Worker",
]
