"""What answers about policies look like, for the OpenAPI document (contract section 8)."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from .items import Item


class Differences(BaseModel):
    """Items by kind, without ids."""

    registries: list[dict[str, Any]]
    namespaces: list[dict[str, Any]]
    roles: list[dict[str, Any]]
    groups: list[dict[str, Any]]
    grants: list[dict[str, Any]]
    robots: list[dict[str, Any]]


class EffectItem(Item):
    """What a subject gains and loses at a place; `registry` null: in all."""

    subject: str
    registry: str | None
    on: str
    network: str | None
    gains: list[str]
    loses: list[str]
    name: str | None


class EffectsItem(Item):
    """Whom a plan touches; `by_name` null: too many to tell what each gains and loses."""

    people: int
    groups: int
    others: int
    by_name: list[EffectItem] | None
    partial: list[str]


class AppliedItem(Item):
    """What was done: `changed` holds {before, after}."""

    stored: int = Field(description="The number of the last change of the policy before.")
    sha256: str
    prune: bool
    added: Differences = Field(
        description="Robots among it have no secret until POST /robots/{id}/rotate."
    )
    changed: Differences
    removed: Differences
    unchanged: int


class PlanItem(AppliedItem):
    """What would be done; `plan` of /policy/apply."""

    effects: EffectsItem
    warnings: list[str] = Field(description="Why it cannot be applied as it is.")


class FindingItem(Item):
    """What lint found, and where."""

    place: str
    rule: str
    text: str


class TrialItem(Item):
    """How a test went."""

    text: str
    held: bool
    fault: str | None
    explanation: dict[str, Any] | None


class TrialsItem(Item):
    """How all tests of a document went."""

    passed: int
    failed: int
    tests: list[TrialItem]


class DocumentItem(BaseModel):
    """A policy document (contract section 8)."""

    model_config = ConfigDict(extra="allow")
