"""Who acts: every service is told, from the first day."""

import uuid
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Actor:
    """A person signed in, the operator at the command line, or anyone."""

    kind: Literal["anonymous", "user", "operator"]
    name: str
    id: uuid.UUID | None = None
    administrator: bool = False
    organization_ids: frozenset[uuid.UUID] = frozenset()

    def acts_for(self, organization_id: uuid.UUID) -> bool:
        """Whether what the organization owns is the actor's to change."""
        return self.administrator or organization_id in self.organization_ids


ANONYMOUS = Actor(kind="anonymous", name="anonymous")
OPERATOR = Actor(kind="operator", name="operator", administrator=True)
