"""Profiles, vectors and counts of words in the database, beside the records they come from."""

import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from sqlalchemy import and_, delete, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from kechuangtong.core.db import hold, upsert
from kechuangtong.core.trade import IndexKind, ListKind
from kechuangtong.instruments import texts as instrument_texts
from kechuangtong.matching import profiles
from kechuangtong.matching.embedding import ROLE, Role, Vector
from kechuangtong.matching.profiles import Profile
from kechuangtong.matching.ranking import Subject
from kechuangtong.matching.terms import Rarity
from kechuangtong.models import Achievement, Demand, Instrument, LiveIndex, TermCount
from kechuangtong.models import Profile as StoredProfile
from kechuangtong.models import Vector as StoredVector

T = TypeVar("T")

# What stands for the number of all records among the counts of words.
_ALL = ""
# Below the number of parameters that a statement may have.
_AT_ONCE = 10_000


def profile(record: Achievement | Demand | Instrument) -> Profile:
    """The profile of a record, computed anew. That of an instrument is its words: the ranking does
    not judge it."""
    if isinstance(record, Instrument):
        texts = record.name, instrument_texts.names(record), instrument_texts.body(record)
        return profiles.unranked(*texts)
    return profiles.profile(kind_of(record), record.title, record.keywords, body(record))


def inputs(record: Achievement | Demand | Instrument) -> profiles.Inputs:
    """The texts of a record that are encoded."""
    if isinstance(record, Instrument):
        texts = record.name, instrument_texts.names(record), instrument_texts.body(record)
        return profiles.one_input(*texts)
    return profiles.inputs(record.title, record.keywords, body(record))


def kind_of(record: Achievement | Demand) -> ListKind:
    """The list that a record belongs to."""
    return ListKind.ACHIEVEMENT if isinstance(record, Achievement) else ListKind.DEMAND


def body(record: Achievement | Demand) -> str:
    """What a record says of itself beside its title and keywords."""
    parts = [record.description, record.application if isinstance(record, Achievement) else None]
    return "\n".join(part for part in parts if part)


async def subjects(
    session: AsyncSession, kind: IndexKind, ids: Sequence[uuid.UUID], model: str | None
) -> dict[uuid.UUID, Subject]:
    """Published records as ranking sees them, with the vectors of a model that are there."""
    titled, whole = aliased(StoredVector), aliased(StoredVector)
    wanted = select(StoredProfile.record_id, StoredProfile.numbers, titled.vector, whole.vector)
    for vector, text_hash in (
        (titled, StoredProfile.title_hash),
        (whole, StoredProfile.text_hash),
    ):
        # Without a model no name is equal, so none joins.
        named = (vector.model == model, vector.role == ROLE[kind], vector.text_hash == text_hash)
        wanted = wanted.outerjoin(vector, and_(*named))
    found: dict[uuid.UUID, Subject] = {}
    for part in _parts(ids):
        rows = await session.execute(
            wanted.where(StoredProfile.kind == kind, StoredProfile.record_id.in_(part))
        )
        for record_id, numbers, *vectors in rows:
            read = [None if data is None else np.frombuffer(data, "<f4") for data in vectors]
            found[record_id] = Subject(profiles.Numbers.from_bytes(numbers), *read)
    return found


async def words(
    session: AsyncSession, kind: IndexKind, ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, tuple[list[str], list[str]]]:
    """The words of published records: those of the title, and all."""
    rows = await session.execute(
        select(StoredProfile.record_id, StoredProfile.title_words, StoredProfile.words).where(
            StoredProfile.kind == kind, StoredProfile.record_id.in_(ids)
        )
    )
    return {
        record_id: (titled.split(), everything.split()) for record_id, titled, everything in rows
    }


async def replace_profiles(
    session: AsyncSession,
    kind: IndexKind,
    changed: Mapping[uuid.UUID, Profile],
    gone: Collection[uuid.UUID],
) -> None:
    """Store the profiles of published records, let go of others', and keep the counts of words.

    Words are counted in the two lists alone: instruments are not what is rare or common there.
    """
    await hold(session, "profiles")  # what is subtracted below is what was counted
    ids = [*changed, *gone]
    where = (StoredProfile.kind == kind, StoredProfile.record_id.in_(ids))
    counts: Counter[str] = Counter()
    if kind is not IndexKind.INSTRUMENT:
        for stored in await session.scalars(select(StoredProfile.words).where(*where)):
            counts.subtract([_ALL, *stored.split()])
        for one in changed.values():
            counts.update([_ALL, *one.words])
    await session.execute(delete(StoredProfile).where(*where))
    session.add_all(
        StoredProfile(
            kind=kind,
            record_id=record_id,
            format=profiles.FORMAT,
            title_words=" ".join(one.title_words),
            words=" ".join(one.words),
            numbers=one.numbers.to_bytes(),
            title_hash=one.title_hash,
            text_hash=one.text_hash,
        )
        for record_id, one in changed.items()
    )
    await upsert(
        session,
        TermCount.__table__,  # type: ignore[arg-type]
        [{"term": term, "documents": number} for term, number in sorted(counts.items()) if number],
        keys=["term"],
        update={"documents": TermCount.documents + literal_column("excluded.documents")},
    )


async def rarity(session: AsyncSession, of: Iterable[str]) -> Rarity:
    """How rare these words are in our lists."""
    counts: dict[str, int] = {}
    for part in _parts([_ALL, *of]):
        rows = await session.execute(
            select(TermCount.term, TermCount.documents).where(TermCount.term.in_(part))
        )
        counts.update((term, documents) for term, documents in rows)
    return Rarity(counts.pop(_ALL, 0), counts)


async def vectors(
    session: AsyncSession, model: str, role: Role, hashes: Collection[str]
) -> dict[str, Vector]:
    """The kept vectors of texts, by their hash; those never computed are missing."""
    found: dict[str, Vector] = {}
    for part in _parts(list(hashes)):
        rows = await session.execute(
            select(StoredVector.text_hash, StoredVector.vector).where(
                StoredVector.model == model,
                StoredVector.role == role,
                StoredVector.text_hash.in_(part),
            )
        )
        found.update((text_hash, np.frombuffer(data, "<f4")) for text_hash, data in rows)
    return found


async def keep_vectors(
    session: AsyncSession, model: str, role: Role, computed: Mapping[str, Vector]
) -> None:
    """Keep vectors, so that none is computed twice."""
    await upsert(
        session,
        StoredVector.__table__,  # type: ignore[arg-type]
        [
            {
                "model": model,
                "role": role,
                "text_hash": text_hash,
                "vector": vector.astype("<f4").tobytes(),
            }
            for text_hash, vector in computed.items()
        ],
        keys=["model", "role", "text_hash"],
    )


def _parts(values: Sequence[T]) -> Iterable[Sequence[T]]:
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))


async def missing_vectors(
    session: AsyncSession, kind: IndexKind, model: str, limit: int | None = None
) -> list[uuid.UUID]:
    """Published records of a kind that have no vectors of a model yet, up to `limit` of them."""
    kept = select(StoredVector.text_hash).where(
        StoredVector.model == model, StoredVector.role == ROLE[kind]
    )
    found = await session.scalars(
        select(StoredProfile.record_id)
        .where(
            StoredProfile.kind == kind,
            or_(StoredProfile.title_hash.not_in(kept), StoredProfile.text_hash.not_in(kept)),
        )
        .order_by(func.random())  # several processes that compute them meet seldom
        .limit(limit)
    )
    return list(found)


async def live_model(session: AsyncSession, engine: str) -> str | None:
    """The model whose vectors an engine's live index holds."""
    return await session.scalar(select(LiveIndex.model).where(LiveIndex.engine == engine))
