"""The catalogue of events against what is recorded, and whom the events of the trade are told."""

import ast
import uuid
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import httpx
from sqlalchemy import select

import kechuangtong
from brokering import ANY, broker, wish
from conftest import Service
from contracting import act, draft, negotiated
from deals.conftest import publish
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.accounts.permissions import Role
from kechuangtong.core.clock import today
from kechuangtong.core.trade import OrganizationKind
from kechuangtong.deals.states import Action
from kechuangtong.models import Membership, Webhook, WebhookDelivery
from kechuangtong.models.broker import MandateState
from kechuangtong.models.contract import ProposalKind
from kechuangtong.models.ownership import Preference
from kechuangtong.models.sale import Outcome, SaleState
from kechuangtong.organizations.service import create_organization
from kechuangtong.webhooks import catalogue, delivery
from people import change, signed_in
from receiving import Receiver

KINDS = ("deal", "contract", "payment", "sale", "broker", "mandate")
# Who records events of a kind, by file, and which of its arguments is the event's name.
RECORDERS = {
    "deals/service.py": {"record": ("deal", 3)},
    "deals/opening.py": {"record": ("deal", 3)},
    "deals/brokers.py": {"_log": ("deal", 4)},
    "contracts/service.py": {"log_change": ("contract", 3)},
    "contracts/proposals.py": {"log_change": ("contract", 3)},
    "contracts/registration.py": {"log_change": ("contract", 3)},
    "contracts/payments.py": {"log_payment": ("payment", 3)},
    "contracts/reminders.py": {"log_payment": ("payment", 3)},
    "sales/service.py": {"record": ("sale", 3)},
    "sales/moving.py": {"record": ("sale", 3)},
    "sales/award.py": {"record": ("sale", 3)},
    "sales/bidding.py": {"record": ("sale", 3)},
    "sales/objections.py": {"record": ("sale", 3)},
    "brokers/service.py": {"record": ("broker", 3)},
    "brokers/records.py": {"_log": ("broker", 3)},
    "brokers/mandates.py": {"_log": ("mandate", 3)},
}
# What a name that is put together can be.
PUT_TOGETHER = {
    ("deals/service.py", "action.value"): {*Action} - {Action.CREATE},
    ("contracts/proposals.py", "what"): {"amended", "cancelled"},
    ("contracts/proposals.py", "f'{kind.value}_proposed'"): {
        f"{one}_proposed" for one in ProposalKind
    },
    ("sales/moving.py", "sale.stored_state.value"): {SaleState.CLOSED, SaleState.FAILED},
    ("sales/objections.py", "f'objection_{body.outcome.value}'"): {
        f"objection_{one}" for one in Outcome
    },
    ("sales/award.py", "f'first_refusal_{body.answer.value}'"): {
        f"first_refusal_{one}" for one in (Preference.TAKEN, Preference.DECLINED)
    },
    ("brokers/service.py", "_DONE[action]"): {
        *("submitted", "approved", "returned", "suspended", "reinstated", "renewed")
    },
    ("brokers/mandates.py", "mandate.stored_state.value"): {*MandateState}
    - {MandateState.OFFERED, MandateState.ENDED},
}
# Told to none: what a broker learns and declares is a person's own, and so is that it is forgotten.
UNTOLD = {
    *("broker.training_added", "broker.training_removed"),
    *("broker.conflict_declared", "broker.conflict_ended", "broker.ended"),
}


def recorded() -> Iterator[str]:
    """The names of all events of the trade that the sources record."""
    root = Path(kechuangtong.__file__).parent
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root).as_posix()
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            by = ast.unparse(call.func)
            if by == "log.record":
                yield from _direct(name, call.args[2])
            elif by in RECORDERS.get(name, {}):
                kind, position = RECORDERS[name][by]
                yield from (f"{kind}.{one}" for one in _names(name, call.args[position]))


def _direct(file: str, action: ast.expr) -> Iterator[str]:
    """Names that are written out; whoever puts one together of a kind is among the recorders."""
    if isinstance(action, ast.JoinedStr):
        begins = action.values[0]
        kind = begins.value if isinstance(begins, ast.Constant) else None
        if kind in {f"{one}." for one in KINDS}:
            assert file in RECORDERS or file == "contracts/payments.py", file
        return
    if isinstance(action, ast.Constant | ast.IfExp):
        yield from (one for one in _names(file, action) if one.partition(".")[0] in KINDS)


def _names(file: str, expression: ast.expr) -> set[str]:
    if isinstance(expression, ast.Constant):
        return {str(expression.value)}
    if isinstance(expression, ast.IfExp):
        return _names(file, expression.body) | _names(file, expression.orelse)
    return {str(one) for one in PUT_TOGETHER[file, ast.unparse(expression)]}


def test_what_is_recorded_is_described_or_told_to_none_on_purpose() -> None:
    described = {name for name, _ in catalogue.types() if name.partition(".")[0] in KINDS}
    found = set(recorded())
    assert found - described == UNTOLD
    assert described - found == set()


async def test_the_trade_is_told_to_its_parties_and_a_mandate_to_the_brokers_institution(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient, receiver: Receiver
) -> None:
    clients = {"university": scholar, "enterprise": buyer}
    institution = None
    for name in ("institution", "stranger"):
        async with service.runtime.database.write() as session:
            made = await create_organization(
                session, OPERATOR, name=name, kind=OrganizationKind.INSTITUTE
            )
        clients[name] = await signed_in(service, name, member_of=made.id)
        institution = institution or made.id
        async with service.runtime.database.write() as session:
            member = await session.scalar(
                select(Membership).where(Membership.organization_id == made.id)
            )
            assert member is not None
            member.role = Role.MANAGER
    whose = {}
    for name, client in clients.items():
        body = {"url": receiver.url, "event_types": ["*"]}
        hook = (await client.post("/v1/webhooks", json=body)).raise_for_status().json()
        whose[uuid.UUID(hook["id"])] = name

    broker_id, of_institution = await broker(service, "苏明溪", of=institution)
    demand = await publish(buyer, "demand", service.enterprise, "烘房除湿")
    offered = await buyer.post("/v1/mandates", json=wish(broker_id, demand_id=demand))
    mandate = offered.raise_for_status().headers["Location"]
    (await of_institution.post(f"{mandate}/accept", headers=ANY)).raise_for_status()

    achievement = await publish(scholar, "achievement", service.university, "余热除湿机组")
    listing = {
        "achievement_id": achievement,
        "way": "listing",
        "object": "license",
        "title": "普通许可",
        "summary": "五年。",
        "price": "300000",
        "increment": "10000",
        "opens_at": "2020-01-01T00:00:00Z",
        "closes_at": "2100-01-01T00:00:00Z",
    }
    sale = (await scholar.post("/v1/sales", json=listing)).raise_for_status().headers["Location"]
    (await change(scholar, f"{sale}/publish")).raise_for_status()
    (await buyer.post(f"{sale}/applications", json={})).raise_for_status()

    deal = await negotiated(service)
    contract = (await draft(scholar, deal))["id"]
    for client in (scholar, buyer):
        (await act(client, contract, "confirm")).raise_for_status()
    due = (await buyer.get(f"/v1/contracts/{contract}/payments")).json()["payments"][0]
    money = {"due_id": due["id"], "amount": "1.00", "received_on": str(today())}
    (await act(scholar, contract, "receipts", **money)).raise_for_status()
    (await change(scholar, f"/v1/deals/{deal}/publish")).raise_for_status()

    while await delivery.spread(service.runtime.database):
        pass
    told = defaultdict(set)
    async with service.runtime.database.read() as session:
        for hook_id, kind in await session.execute(
            select(Webhook.id, WebhookDelivery.type).join(
                WebhookDelivery, WebhookDelivery.webhook_id == Webhook.id
            )
        ):
            if kind.partition(".")[0] in KINDS:
                told[kind].add(whose[hook_id])
    parties = {"university", "enterprise"}
    assert told == {
        "broker.created": {"institution"},
        "mandate.offered": {"enterprise", "institution"},
        "mandate.accepted": {"enterprise", "institution"},
        "sale.created": {"university"},
        "sale.published": {"university"},
        "sale.applied": {"university"},
        "contract.created": parties,
        "contract.confirmed": parties,
        "contract.signed": parties,
        "deal.sign_contract": parties,
        "deal.start_performing": parties,
        "deal.record_receipt": parties,
        "payment.received": parties,
        "deal.publication_agreed": parties,
    }
    for client in (clients["institution"], clients["stranger"], of_institution):
        await client.aclose()
