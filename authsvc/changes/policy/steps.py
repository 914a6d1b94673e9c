"""What applying a document would do, as values: the steps, in the shape of JSON, and their hash."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from authsvc.changes.spec import Spec

from .document import KINDS
from .known import Known
from .stored import Held, Item

MAX_RECORDED = 500  # items that a record names; beyond it, counts and a hash
MAX_SAID = 1 << 20  # characters of them: 500 groups may have 5,000,000 members


@dataclass(frozen=True, slots=True)
class Step:
    """One difference: `before` None for what is added, `after` None for what is removed.

    `spec` is what `after` was made from; `place` is where it stands, '' for what is removed.
    """

    kind: str
    place: str
    before: Held | None
    after: Item | None
    spec: Spec | None = None

    @property
    def item(self) -> Item:
        """What it is about: the entry as it will be, or as it was."""
        return self.after or (self.before.item if self.before else {})


@dataclass(frozen=True)
class Plan:
    """All differences. They hold for the change of that `version` alone."""

    version: int
    steps: tuple[Step, ...]
    unchanged: int
    prune: bool
    known: Known

    def of(self, kind: str) -> Iterator[Step]:
        """The steps of a kind."""
        return (step for step in self.steps if step.kind == kind)

    @cached_property
    def shape(self) -> dict[str, Any]:
        """The plan as JSON: {added, changed: [{before, after}], removed} by kind, and counts."""
        shape: dict[str, Any] = {
            word: {kind: [] for kind in KINDS} for word in ("added", "changed", "removed")
        }
        for step in self.steps:
            if step.before is None:
                shape["added"][step.kind].append(step.after)
            elif step.after is None:
                shape["removed"][step.kind].append(step.before.item)
            else:
                both = {"before": step.before.item, "after": step.after}
                shape["changed"][step.kind].append(both)
        return {**shape, "unchanged": self.unchanged, "prune": self.prune}

    @cached_property
    def recorded(self) -> dict[str, Any]:
        """What a record holds of it: all that differs, or counts and the SHA-256 of that."""
        said = _differences(self.shape)
        if len(self.steps) <= MAX_RECORDED and len(json.dumps(said)) <= MAX_SAID:
            return said
        counts = {word: {kind: len(kinds[kind]) for kind in kinds} for word, kinds in said.items()}
        return {"counts": counts, "sha256": digest(self.shape)}


def _differences(shape: Mapping[str, Any]) -> dict[str, dict[str, list[Any]]]:
    """What is added, changed and removed, without the kinds of which nothing is."""
    said = {
        word: {kind: held for kind, held in shape[word].items() if held}
        for word in ("added", "changed", "removed")
    }
    return {word: kinds for word, kinds in said.items() if kinds}


def digest(shape: Mapping[str, Any], tests: Sequence[str] = ()) -> str:
    """The SHA-256 of a plan's differences and tests, by which two of them are told apart."""
    said = {**_differences(shape), "tests": sorted(tests)}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
