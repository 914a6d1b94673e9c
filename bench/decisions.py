"""What one decision costs in a process of its own, without password, signature and network."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from crowd import ALICE, SOURCE, glob
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from authsvc.access.compiler import compile_rules, view_of
from authsvc.access.model import PolicyBase, Registry, Rule, SubjectRules, View
from authsvc.access.policy import decide
from authsvc.access.roles import BUILT_IN
from authsvc.access.store import load_view
from authsvc.principal import Kind, Principal
from authsvc.protocol.scope import parse

GROUPS = 50
GRANTS = 200
PERSON = Principal(Kind.USER, SOURCE, ALICE, ALICE)
REGISTRY = Registry("registry.example", True, False, None, "x5c", False)


def stored_decision(database: Path) -> float:
    """Microseconds of a decision for alice, with what is stored for her."""
    engine = create_engine(f"sqlite:///{database}")
    with Session(engine) as session:
        view = load_view(session, PERSON)
    engine.dispose()
    return decision(view, "own7/p7/app", granted=("pull",))


def crowded_decisions() -> dict[str, float]:
    """Microseconds of decisions, and of making the view, of somebody in many groups."""
    found = {}
    base = PolicyBase(1, {}, BUILT_IN, {}, {})
    for kind, globs in (("paths", False), ("half of them globs", True)):
        parts = groups(globs=globs)
        making = partial(view_of, base, PERSON, parts)
        found[f"{kind}: allowed"] = decision(making(), "team21/p21/app", granted=("pull",))
        found[f"{kind}: refused"] = decision(making(), "other/p21/app")
        found[f"{kind}: denied"] = decision(making(), "team25/p25/app")
        found[f"{kind}: making the view"] = spent(making, 200)
    return found


def groups(*, globs: bool) -> list[SubjectRules]:
    """GRANTS grants, each twentieth of them a deny, over the person and GROUPS groups."""
    subjects = [f"user:{SOURCE}:{ALICE}", *(f"group:g{number}" for number in range(GROUPS))]
    held: dict[str, list[Rule]] = {subject: [] for subject in subjects}
    for number in range(GRANTS):
        subject = subjects[number % len(subjects)]
        pattern = glob(number) if globs and number % 2 == 0 else f"team{number}/p{number}"
        allow = number % 20 != 5
        held[subject].append(Rule(number, "writer", allow, None, pattern, subject))
    return [compile_rules(subject, 1, rules) for subject, rules in held.items()]


def decision(view: View, name: str, granted: tuple[str, ...] = ()) -> float:
    """Microseconds of the decision about one entry, once it was found to be as expected."""
    asked = parse([f"repository:{name}:pull"])

    def ask() -> tuple[str, ...]:
        made = decide(view, REGISTRY, asked, address="127.0.0.1", address_known=True, now=1.0)
        return made.verdicts[0].granted

    assert ask() == granted, (name, ask())
    return spent(ask, 10_000)


def spent(work: Callable[[], object], count: int, rounds: int = 9) -> float:
    """Microseconds of processor time of one run: the least of several rounds."""
    best_round = float("inf")
    for _ in range(rounds):
        before = time.process_time()
        for _ in range(count):
            work()
        best_round = min(best_round, time.process_time() - before)
    return best_round / count * 1e6
