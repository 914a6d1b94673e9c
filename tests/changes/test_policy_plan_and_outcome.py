"""A plan says exactly what applying does: to what is stored, and to what everybody can do.

`AUTHSVC_POLICY_EXAMPLES` sets how many pairs of a store and a document are tried: one for each 20
of the engine's own examples.
"""

import itertools
import os

import pytest
from changes.random_stores import FEW, NOW, closed, fill, stage, stores
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from authsvc.access.policy import decide
from authsvc.access.rulebook import view
from authsvc.access.store import Stored
from authsvc.changes.policy.document import KINDS
from authsvc.changes.policy.given import document_of
from authsvc.changes.policy.overlay import over
from authsvc.changes.policy.plan import plan
from authsvc.changes.policy.stored import holdings
from authsvc.changes.policy.writing import ready, write
from authsvc.db.engine import Database
from authsvc.errors import Conflict, Invalid
from authsvc.principal import ANONYMOUS, Kind, Principal
from authsvc.protocol.scope import parse

EXAMPLES = int(os.environ.get("AUTHSVC_POLICY_EXAMPLES", "2000")) // 20
NAMES = ["team", "team/a", "team/a/x", "team-x/y", "alice", "users/alice/x", "other/a"]
ASKED = parse([*(f"repository:{name}:pull,push,delete" for name in NAMES), "registry:catalog:*"])
ASKERS = [
    ANONYMOUS,
    *(Principal(Kind.USER, "local", name, name) for name in ("alice", "bob", "devs")),
    Principal(Kind.USER, "file", "alice", "a"),
    *(Principal(Kind.ROBOT, "", name, "") for name in ("alice", "ci")),
    Principal(Kind.USER, "corp", "bob", "b", ("group:corp:devs", "group:corp:ops")),
]


@pytest.fixture(scope="module")
def database(sqlite_template, tmp_path_factory):
    path = tmp_path_factory.mktemp("plans") / "test.db"
    path.write_bytes(sqlite_template.read_bytes())
    opened = Database(f"sqlite:///{path}")
    yield opened
    opened.dispose()


@st.composite
def documents(draw, store):
    """Some of what is stored, some of it in another form, and something new."""
    new = draw(stores(FEW, 3))
    document = {}
    if draw(st.integers(0, 3)):  # or else those that are there would be moved, and are refused
        there = {each["name"]: each for each in store["robots"]}
        new["robots"] = [moved(each, there.get(each["name"], each)) for each in new["robots"]]
    echoed = [each for each in (*store["robots"], *new["robots"]) if draw(st.booleans())]
    new["grants"] += map(granted, echoed)
    for kind in KINDS:
        mine = {named(each) for each in new[kind]} if kind != "grants" else set()
        kept = [draw(st.booleans()) for _ in store[kind]]
        held = [each for each, stays in zip(store[kind], kept, strict=True) if stays]
        document[kind] = [*new[kind], *(each for each in held if named(each) not in mine)]
    if draw(st.integers(0, 3)):  # or else it names what is not there, and is refused
        document = closed(document)
    silent = draw(st.sets(st.sampled_from(KINDS), max_size=3))  # of which nothing is pruned
    return {kind: held for kind, held in document.items() if kind not in silent}


def moved(robot, there):
    """The same robot at the place of another."""
    return {**robot, "namespace": there["namespace"], "registry": there["registry"]}


def granted(robot):
    """The grant that says what a robot is granted by being what it is."""
    place = {"on": robot["namespace"], "registry": robot["registry"]}
    return {"subject": f"robot:{robot['name']}", "role": robot["role"], **place}


def named(entry):
    return entry.get("name"), None if "namespace" in entry else entry.get("registry")


def items(session):
    """All that is stored, by kind and what an entry is known by."""
    held = holdings(session, None)
    return {kind: {key: each.item for key, each in held.of(kind).items()} for kind in KINDS}


def said(before, made):
    """What a plan makes of what is stored, by what it tells people alone."""
    after = {kind: list(held.values()) for kind, held in before.items()}
    for kind in KINDS:
        for item in made.shape["removed"][kind]:
            after[kind].remove(item)
        for both in made.shape["changed"][kind]:
            after[kind][after[kind].index(both["before"])] = both["after"]
        after[kind] += made.shape["added"][kind]
    return {kind: sorted(held, key=str) for kind, held in after.items()}


def answers(book):
    """What everybody gets at every registry, from near and from far, now and later."""
    found = {}
    for asker, address, now in itertools.product(
        ASKERS, ("10.1.1.1", "192.0.2.1", None), (NOW, NOW + 4e9)
    ):
        seen = view(book, asker)
        for registry in seen.base.registries.values():
            decision = decide(
                seen, registry, ASKED, address=address or "", address_known=address is not None,
                now=now,
            )  # fmt: skip
            key = (asker.subject, registry.name, address, now)
            found[key] = (
                [entry.scope for entry in decision.access],
                [
                    [(refused.action, refused.reason) for refused in verdict.refused]
                    for verdict in decision.verdicts
                ],
            )
    return found


def base_of(book):
    base = book.base
    parents = {group: frozenset(above) for group, above in base.parents.items() if above}
    return dict(base.registries), dict(base.roles), dict(base.visibility), parents


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.data(), stores(FEW), st.booleans())
def test_what_a_plan_says_is_what_applying_does(database, data, store, prune):
    document = document_of(data.draw(documents(store)))
    with stage(database) as tx:
        fill(tx, store, ["alice", "bob", "devs", "ops"])
        before = items(tx.session)
        try:
            made = plan(tx, document, prune=prune)
        except (Invalid, Conflict) as refusal:
            event(f"refused: {type(refusal).__name__}")
            assert items(tx.session) == before
            return
        event(f"{min(len(made.steps), 5)} steps, prune {prune}")
        planned = over(Stored(tx.session), made)
        foretold = answers(planned), base_of(planned)
        assert items(tx.session) == before
        write(tx, ready(tx, made))
        tx.session.flush()
        tx.session.expire_all()
        after = items(tx.session)
        assert {kind: sorted(held.values(), key=str) for kind, held in after.items()} == said(
            before, made
        )
        book = Stored(tx.session)
        assert base_of(book) == foretold[1]
        assert answers(book) == foretold[0]
        again = plan(tx, document, prune=prune)
        assert again.steps == ()
        assert again.unchanged == made.unchanged + sum(
            step.after is not None for step in made.steps
        )
