"""Who may do what with a broker's record, and as the broker."""

import uuid

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.brokers.states import ACTS, MANDATE_ACTS, By, MandateAction, MandateSide
from kechuangtong.brokers.states import Action as BrokerAction
from kechuangtong.models import Broker, Mandate


def is_person(actor: Actor, user_id: uuid.UUID) -> bool:
    """Whether the actor is the person itself; a key of one organization is no person."""
    return actor.id == user_id and (actor.broker or actor.kind == "user")


def acts_as(actor: Actor, broker: Broker, permission: Permission) -> bool:
    """Whether the actor may act as a broker: the person alone, and who may do all."""
    own = is_person(actor, broker.user_id) or actor.administrator
    return own and actor.in_scope(permission)


def may_edit(actor: Actor, broker: Broker) -> bool:
    """Whether the actor may change a broker's record: the person, or its institution's editor."""
    write = Permission.BROKERS_WRITE
    return acts_as(actor, broker, write) or actor.may(write, broker.organization_id)


def may(actor: Actor, broker: Broker, action: BrokerAction) -> bool:
    """Whether the actor may move a registration on. Nobody reviews oneself."""
    if ACTS[action] is By.OWN:
        return may_edit(actor, broker)
    oneself = actor.id == broker.user_id and not actor.administrator
    return actor.reviews(broker.organization.place) and not oneself


def knows(actor: Actor, broker: Broker) -> bool:
    """Whether the actor reads all of a broker's record."""
    return (
        is_person(actor, broker.user_id)
        or actor.sees(broker.organization_id)
        or actor.reviews(broker.organization.place)
    )


def may_with_mandate(actor: Actor, mandate: Mandate, action: MandateAction) -> bool:
    """Whether the actor may move a mandate on."""
    if MANDATE_ACTS[action] is MandateSide.BROKER:
        return acts_as(actor, mandate.broker, Permission.BROKERS_WRITE)
    return actor.may(Permission.BROKERS_WRITE, mandate.organization_id)
