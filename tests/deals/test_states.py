"""Who may do what to a deal in which state, against a table written down beside the code."""

import asyncio
import itertools
import random
import uuid
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx

from conftest import Service
from deals.conftest import step, steps
from kechuangtong.accounts.actor import ANONYMOUS, Actor
from kechuangtong.accounts.permissions import PlatformRole, Role
from kechuangtong.core.clock import today
from kechuangtong.core.errors import AppError, Forbidden
from kechuangtong.core.trade import OrganizationKind
from kechuangtong.deals import policy
from kechuangtong.deals import service as deals
from kechuangtong.deals.schemas import StepCreate
from kechuangtong.deals.states import ACTS, TRANSITIONS, Action, Pricing
from kechuangtong.models import Deal, DealParty, DealStep, Organization
from kechuangtong.models.deal import DealSide, DealState

DAY = timedelta(days=1)

# State, action, who does it (the seller, either side, both sides one after the other, or the side
# that did not open the deal), and where it leads.
TABLE = """
interest              agree_introduction     answerer  introduced
interest              terminate              either    terminated
introduced            agree_confidentiality  both      confidential
introduced            start_negotiation      either    negotiation
introduced            terminate              either    terminated
confidential          start_negotiation      either    negotiation
confidential          terminate              either    terminated
negotiation           publish_price          seller    price_notice
negotiation           sign_contract          both      signed
negotiation           terminate              either    terminated
price_notice          return_to_negotiation  seller    negotiation
price_notice          sign_contract          both      signed
price_notice          terminate              either    terminated
signed                apply_registration     seller    registration_applied
signed                start_performing       either    performing
signed                terminate              either    terminated
registration_applied  register               seller    registered
registration_applied  refuse_registration    seller    registration_refused
registration_applied  terminate              either    terminated
registered            start_performing       either    performing
registered            terminate              either    terminated
registration_refused  apply_registration     seller    registration_applied
registration_refused  start_performing       either    performing
registration_refused  terminate              either    terminated
performing            record_receipt         seller    receipts
performing            complete               both      completed
performing            terminate              either    terminated
receipts              record_receipt         seller    receipts
receipts              complete               both      completed
receipts              terminate              either    terminated
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]
LEADS = {(state, action): (who, to) for state, action, who, to in ROWS}
WHO = {action: who for _, action, who, _ in ROWS}
TOLD = {
    "publish_price": {"price": "1200000", "way": "transfer"},
    "return_to_negotiation": {"reason": "有异议"},
    "sign_contract": {"pricing": "listing"},
    "register": {"register_number": "2026510100000123"},
    "refuse_registration": {"reason": "不属于技术合同"},
    "terminate": {"reason": "价格未谈拢"},
}


def test_the_table_in_the_code_is_this_one() -> None:
    coded = {
        (state.value, action.value): (ACTS[action].value, to.value)
        for state, actions in TRANSITIONS.items()
        for action, to in actions.items()
    }
    assert coded == LEADS
    assert set(TRANSITIONS) == set(DealState)
    assert set(ACTS) == set(Action) - {Action.CREATE}


def actor(
    role: Role | None, *organizations: uuid.UUID, platform: PlatformRole | None = None
) -> Actor:
    roles = {one: role for one in organizations if role is not None}
    return Actor(kind="user", name="x", id=uuid.uuid4(), roles=roles, platform_role=platform)


SELLER, BUYER = uuid.uuid4(), uuid.uuid4()
CALLERS = {
    "seller editor": actor(Role.EDITOR, SELLER),
    "seller member": actor(Role.MEMBER, SELLER),
    "buyer editor": actor(Role.EDITOR, BUYER),
    "buyer member": actor(Role.MEMBER, BUYER),
    "stranger": actor(Role.MANAGER, uuid.uuid4()),
    "administrator": actor(None, platform=PlatformRole.ADMINISTRATOR),
    "auditor": actor(None, platform=PlatformRole.AUDITOR),
    "anonymous": ANONYMOUS,
}


def a_deal(state: DealState, opened_by: DealSide, seller: OrganizationKind) -> Deal:
    sides = (
        (DealSide.SELLER, SELLER, seller),
        (DealSide.BUYER, BUYER, OrganizationKind.ENTERPRISE),
    )
    parties = [
        DealParty(organization_id=one, side=side, organization=Organization(id=one, kind=kind))
        for side, one, kind in sides
    ]
    return Deal(state=state, opened_by=opened_by, parties=parties)


def took(
    action: Action | str,
    side: DealSide,
    from_: DealState | None,
    to: DealState,
    **details: str,
) -> DealStep:
    return DealStep(
        action=str(action), side=side, from_state=from_, to_state=to, on=today(), details=details
    )


def outcome(
    who: Actor,
    deal: Deal,
    steps: list[DealStep],
    action: Action,
    side: DealSide | None,
    **more: Any,
) -> str:
    """The state to which a step leads, or why it is refused."""
    try:
        chosen = policy.side_for(who, deal, action, side)
        return policy.decide(who, deal, steps, chosen, action, on=today(), **more).value
    except AppError as error:
        return error.code


def expected(caller: str, side: str, opened_by: str, state: str, action: str) -> str:
    who = WHO.get(action, "either")
    allowed = {
        "seller": side == "seller",
        "answerer": side != opened_by,
        "either": True,
        "both": True,
    }[who]
    if caller not in ("administrator", f"{side} editor") or not allowed:
        return "forbidden"
    if (state, action) not in LEADS:
        return "wrong_state"
    return state if who == "both" else LEADS[state, action][1]


def test_every_action_in_every_state_by_every_caller_for_either_side() -> None:
    wrong, tried = [], 0
    for opened_by, state, action in itertools.product(DealSide, DealState, Action):
        deal = a_deal(state, opened_by, OrganizationKind.ENTERPRISE)
        first = [took("create", opened_by, None, state)]
        for (caller, who), side in itertools.product(CALLERS.items(), DealSide):
            tried += 1
            got = outcome(who, deal, first, action, side)
            should = expected(caller, side, opened_by, state, action)
            if got != should:
                wrong.append(f"{state} {action} {caller} for the {side}: {got}, not {should}")
    assert not wrong, "\n".join(wrong)
    assert tried == 2 * 13 * 14 * 8 * 2


def test_what_is_possible_is_what_is_done_and_who_is_waited_for_can_do_it() -> None:
    administrator = CALLERS["administrator"]
    for opened_by, state in itertools.product(DealSide, DealState):
        deal = a_deal(state, opened_by, OrganizationKind.ENTERPRISE)
        first = [took("create", opened_by, None, state)]
        possible = policy.possible(deal, first, today())
        refused = ("wrong_state", "forbidden")
        done = [
            (action, side)
            for action, side in itertools.product(Action, DealSide)
            if outcome(administrator, deal, first, action, side) not in refused
        ]
        assert possible == done
        waits = {side for action, side in possible if action != "terminate"}
        waits -= {side for side in waits if not _leads_on(possible, side)}
        assert set(policy.waiting_for(deal, first, today())) == waits


def _leads_on(possible: list[tuple[Action, DealSide]], side: DealSide) -> bool:
    back = ("terminate", "return_to_negotiation")
    return any(one is side and action not in back for action, one in possible)


def test_who_acts_for_both_sides_says_for_which() -> None:
    both = actor(Role.EDITOR, SELLER, BUYER)
    deal = a_deal(DealState.NEGOTIATION, DealSide.BUYER, OrganizationKind.ENTERPRISE)
    first = [took("create", DealSide.BUYER, None, DealState.NEGOTIATION)]
    assert outcome(both, deal, first, Action.TERMINATE, None) == "side_unnamed"
    assert outcome(both, deal, first, Action.PUBLISH_PRICE, None) == "price_notice"
    assert outcome(CALLERS["buyer editor"], deal, first, Action.TERMINATE, None) == "terminated"


def test_each_side_agrees_once_and_anew_after_the_deal_has_moved() -> None:
    at, who = DealState.NEGOTIATION, CALLERS["administrator"]
    deal = a_deal(at, DealSide.BUYER, OrganizationKind.ENTERPRISE)
    steps = [took("start_negotiation", DealSide.BUYER, DealState.INTRODUCED, at)]
    sign = Action.SIGN_CONTRACT
    steps.append(took(sign, DealSide.SELLER, at, at))
    assert outcome(who, deal, steps, sign, DealSide.SELLER) == "already_agreed"
    assert outcome(who, deal, steps, sign, DealSide.BUYER) == "signed"
    assert policy.waiting_for(deal, steps, today()) == [DealSide.BUYER]
    steps.append(
        took("publish_price", DealSide.SELLER, at, DealState.PRICE_NOTICE, until="2020-01-01")
    )
    steps.append(took("return_to_negotiation", DealSide.SELLER, DealState.PRICE_NOTICE, at))
    assert outcome(who, deal, steps, sign, DealSide.SELLER) == "negotiation"
    assert policy.agreements(steps) == []
    # A receipt in between is no reason to agree again.
    receipts = DealState.RECEIPTS
    deal.state = receipts
    steps = [took("record_receipt", DealSide.SELLER, DealState.PERFORMING, receipts)]
    steps.append(took("complete", DealSide.BUYER, receipts, receipts))
    steps.append(took("record_receipt", DealSide.SELLER, receipts, receipts))
    assert outcome(who, deal, steps, Action.COMPLETE, DealSide.BUYER) == "already_agreed"
    assert outcome(who, deal, steps, Action.COMPLETE, DealSide.SELLER) == "completed"


# Who owns, how the price came to be, and whether the contract may be signed without a notice.
NOTICES = """
university           agreement       no
institute            agreement       no
laboratory           agreement       no
government           agreement       no
enterprise           agreement       yes
service_institution  agreement       yes
bank                 agreement       yes
fund                 agreement       yes
park                 agreement       yes
university           listing         yes
university           auction         yes
university           no_achievement  yes
"""


def test_public_owners_put_an_agreed_price_on_notice() -> None:
    rows = [line.split() for line in NOTICES.strip().splitlines()]
    assert {kind for kind, _, _ in rows} == set(OrganizationKind)
    who, sign = CALLERS["administrator"], Action.SIGN_CONTRACT
    for kind, pricing, free in rows:
        deal = a_deal(DealState.NEGOTIATION, DealSide.BUYER, OrganizationKind(kind))
        first = [took("create", DealSide.BUYER, None, DealState.NEGOTIATION)]
        got = outcome(who, deal, first, sign, DealSide.SELLER, pricing=Pricing(pricing))
        assert got == ("negotiation" if free == "yes" else "price_notice_required"), (kind, pricing)
        # Whoever has begun a notice waits for its end.
        deal.state = DealState.PRICE_NOTICE
        for until, answer in ((today(), "price_notice_running"), (today() - DAY, "price_notice")):
            notice = took(
                "publish_price",
                DealSide.SELLER,
                DealState.NEGOTIATION,
                deal.state,
                until=until.isoformat(),
            )
            steps = [*first, notice]
            got = outcome(who, deal, steps, sign, DealSide.BUYER, pricing=Pricing(pricing))
            assert got == answer, (kind, pricing, until)
            able = (sign, DealSide.BUYER) in policy.possible(deal, steps, today())
            assert able == (answer == "price_notice")


async def test_who_is_no_party_finds_no_deal_and_who_only_reads_may_not_act(
    service: Service, deal: str
) -> None:
    parties = {SELLER: service.university, BUYER: service.enterprise}
    answers = {}
    for caller, who in CALLERS.items():
        roles = {parties.get(one, one): role for one, role in who.roles.items()}
        acts = replace(who, roles=roles)
        body = StepCreate(action=Action.TERMINATE, side=DealSide.BUYER, reason="不再需要")
        try:
            async with service.runtime.database.write() as session:
                deal_id = uuid.UUID(deal.rsplit("/", 1)[1])
                shown = await deals.act(session, acts, deal_id, body, expected_versions=None)
                answers[caller] = shown.state.value
                raise Forbidden  # nothing of it is kept
        except AppError as error:
            answers.setdefault(caller, error.code)
    assert answers == {
        "seller editor": "forbidden",
        "seller member": "forbidden",
        "buyer editor": "terminated",
        "buyer member": "forbidden",
        "stranger": "not_found",
        "administrator": "terminated",
        "auditor": "forbidden",
        "anonymous": "not_found",
    }


async def test_of_many_steps_at_once_each_is_taken_once_and_the_history_is_whole(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient, deal: str
) -> None:
    (await step(scholar, deal, "agree_introduction")).raise_for_status()
    # Of both sides at once the second one moves the deal, and each agrees once.
    agreed = await asyncio.gather(
        *(
            step(client, deal, "agree_confidentiality")
            for client in (scholar, buyer)
            for _ in range(5)
        )
    )
    assert Counter(one.status_code for one in agreed) == {200: 2, 409: 8}
    history = (await steps(buyer, deal))[2:]
    assert [one["to_state"] for one in history] == ["introduced", "confidential"]
    assert {one["side"] for one in history} == {"seller", "buyer"}

    chosen = random.Random(7)
    actions = ["start_negotiation", "publish_price", "return_to_negotiation"]
    tries = chosen.choices(actions, k=100)
    answers = await asyncio.gather(
        *(step(scholar, deal, action, **TOLD.get(action, {})) for action in tries)
    )
    counts = Counter(one.status_code for one in answers)
    assert counts.keys() <= {200, 409}, [one.text for one in answers if one.status_code > 409]
    assert {one.json()["code"] for one in answers if one.status_code == 409} == {"wrong_state"}
    history = await steps(buyer, deal)
    assert [one["number"] for one in history] == list(range(1, counts[200] + 5))
    for before, after in itertools.pairwise(history):
        assert after["from_state"] == before["to_state"]
    for one in history[4:]:
        assert LEADS[one["from_state"], one["action"]][1] == one["to_state"]
    assert Counter(one["action"] for one in history)["start_negotiation"] == 1
    assert len(history) > 7
