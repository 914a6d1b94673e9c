"""Whatever owners do with their rights, nobody gains what those owners did not hold (rule 9).

Random policies and random edits by owners, each by the real road within one transaction that is
rolled back; before and after, the slow oracle of tests/access says who can do what, when.

`AUTHSVC_POLICY_EXAMPLES` sets how many are tried: one for each 20 of the engine's own examples.
"""

import itertools
import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import pytest
from access import oracle
from access.world import Grant as Said
from access.world import World
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from authsvc.access import store
from authsvc.audit import changes as log
from authsvc.changes import grants, groups, namespaces, reads, registries, roles, subjects, users
from authsvc.changes.spec import checked
from authsvc.changes.unit_of_work import Transaction
from authsvc.clock import utc
from authsvc.db.engine import Database
from authsvc.db.models import Membership, Subject
from authsvc.errors import Conflict, Forbidden, Invalid, NotFound
from authsvc.principal import SYSTEM, Kind, Principal

EXAMPLES = int(os.environ.get("AUTHSVC_POLICY_EXAMPLES", "2000")) // 20
NOW = 1_800_000_000.0
END, LATER = NOW + 100, NOW + 200
TIMES = [NOW, END, LATER]  # while the owner's own right lasts, after it, after all that ends
PEOPLE = ["alice", "bob", "carol"]
CUSTOM = {"pusher": frozenset({"push"}), "lister": frozenset({"pull", "catalog"})}
NAMES = ["team", "team/a", "team/a/x", "team/bob", "team/bob/x", "bob", "team-x", "other/a"]
PLACES = ["team", "team/a", "team/a/x", "team/bob", "bob", "team-x", "other"]
GLOBS = [
    "team/*", "team/**", "team/a*", "te*", "**", "*/a", "team/*/x", "team/{username}",
    "team/{username}/**", "{username}/**", "{username}", "**/x",
]  # fmt: skip
SUBJECTS = [
    "user:local:alice", "user:local:bob", "user:local:carol", "group:devs", "everyone",
    "authenticated",
]  # fmt: skip
REGISTRIES = [None, "a", "b"]

ends = st.sampled_from([None, None, None, END, LATER])
grant = st.fixed_dictionaries(
    {
        "subject": st.sampled_from(SUBJECTS),
        "role": st.sampled_from(["reader", "writer", "maintainer", "owner", "pusher", "lister"]),
        "on": st.one_of(st.sampled_from(PLACES), st.sampled_from(GLOBS)),
        "registry": st.sampled_from(REGISTRIES),
        "effect": st.sampled_from(["allow", "allow", "deny"]),
        "expires_at": ends,
        "cidrs": st.sampled_from([[], [], [], ["10.0.0.0/8"]]),
    }
)
near = grant.map(lambda it: {**it, "on": it["on"] if it["on"].startswith("team") else "team/a"})
denied = near.flatmap(
    lambda it: st.sampled_from(["user:local:alice", "user:local:bob", "everyone"]).map(
        lambda subject: {**it, "subject": subject, "effect": "deny"}
    )
)
owner = st.fixed_dictionaries(
    {
        "subject": st.sampled_from(["user:local:alice", "user:local:alice", "group:devs"]),
        "role": st.just("owner"),
        "on": st.sampled_from(["team", "team", "team", "team/a", "bob"]),
        "registry": st.sampled_from([None, None, None, "a"]),
        "expires_at": st.sampled_from([None, None, None, END]),
    }
)
namespace = st.fixed_dictionaries(
    {
        "name": st.sampled_from([*PLACES, "team/a", "team/bob"]),
        "registry": st.sampled_from([None, None, "a", "b"]),
        "visibility": st.sampled_from(["private", "internal", "public"]),
    }
)
number = st.integers(0, 11)
edits = st.one_of(
    st.tuples(st.just("add"), near),
    st.tuples(st.just("add"), grant),
    st.tuples(st.just("remove"), number),
    st.tuples(
        st.just("change"),
        st.tuples(
            number, near, st.sets(st.sampled_from(["subject", "role", "on", "registry", "effect",
                                                   "expires_at", "cidrs"]), min_size=1)
        ),
    ),
    st.tuples(st.just("register"), namespace),
    st.tuples(st.just("show"), st.tuples(number, st.sampled_from(["internal", "public"]))),
    st.tuples(st.just("unregister"), number),
    st.tuples(st.just("join"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("widen"), st.sampled_from(["pusher", "lister"])),
)  # fmt: skip


class RolledBack(Exception):
    """The end of an example: nothing of it stays."""


@dataclass
class Stage:
    """One transaction in which everything happens, at a time that stands still."""

    session: object
    version: int

    def act(self, who: str | None, edit):
        """An edit by the rights of a person, or of the service; False when it is refused."""
        rights = {}
        if who is not None:
            row = subjects.find(self.session, "user", "local", who)
            person = Principal(Kind.USER, "local", who, str(row.id))
            rights["rights"] = store.load_rights(
                self.session, person, address="10.1.1.1", address_known=True, now=NOW
            )
        tx = Transaction(self.session, utc(NOW), self.version, SYSTEM, **rights)
        try:
            with self.session.begin_nested():
                edit(tx)
        except (Forbidden, NotFound, Conflict, Invalid) as refusal:
            return refusal
        return None

    def world(self) -> World:
        """All that is stored, as the oracle reads it."""
        said = tuple(
            Said(
                it["subject"], it["role"], it["on"], it["registry"], it["effect"],
                row.grant.expires_at.timestamp() if row.grant.expires_at else None,
                tuple(it["cidrs"]), it["id"],
            )
            for row in reads.grant_rows(self.session)
            for it in [reads.grant(row)]
        )  # fmt: skip
        spaces = tuple(
            (it["name"], it["registry"], it["visibility"]) for it in reads.namespaces(self.session)
        )
        group, member = Subject.__table__.alias(), Subject.__table__.alias()
        pairs = self.session.execute(
            select(group.c.name, member.c.name)
            .join(Membership, Membership.group_id == group.c.id)
            .join(member, member.c.id == Membership.member_id)
        )
        members = tuple((f"group:{one}", f"user:local:{two}") for one, two in pairs)
        return World(said, spaces, members, CUSTOM)


def set_up(stage: Stage, given, spaces, devs) -> None:
    for name in ("a", "b"):
        stage.act(None, lambda tx, name=name: registries.add(
            tx, registries.RegistrySpec(name=name)))  # fmt: skip
    for name in PEOPLE:
        stage.act(None, lambda tx, name=name: users.add(tx, name, "h", enabled=True))
    stage.act(None, lambda tx: roles.add(
        tx, roles.RoleSpec(name="pusher", allow=("repository:push",))))  # fmt: skip
    stage.act(None, lambda tx: roles.add(
        tx, roles.RoleSpec(name="lister", allow=("repository:pull", "registry:catalog:*"))
    ))  # fmt: skip
    members = tuple(f"user:{name}" for name in devs)
    stage.act(None, lambda tx: groups.add(
        tx, checked(groups.GroupSpec, {"name": "devs", "members": members})))  # fmt: skip
    for members in given:
        stage.act(None, lambda tx, it=members: grants.add(tx, spec_of(it)))
    for members in spaces:
        stage.act(None, lambda tx, it=members: namespaces.add(
            tx, checked(namespaces.NamespaceSpec, it)))  # fmt: skip


def spec_of(members) -> grants.GrantSpec:
    end = members.get("expires_at")
    return checked(grants.GrantSpec, {**members, "expires_at": end and utc(end)})


def done(stage: Stage, who: str, edit) -> bool:
    """Whether an edit was made and not refused; one of nothing is made at once."""
    what, words = edit
    place = words[0] if isinstance(words, tuple) else words
    held = reads.grant_rows(stage.session) if what in ("remove", "change") else ()
    spaces = reads.namespaces(stage.session) if what in ("show", "unregister") else ()
    one = (held or spaces)[place % len(held or spaces)] if held or spaces else None
    if one is None and isinstance(place, int):
        return True

    def run(tx):
        if what == "add":
            grants.add(tx, spec_of(words))
        elif what == "remove":
            grants.remove(tx, one.grant.id)
        elif what == "change":
            _, members, names = words
            end = members["expires_at"]
            members = {**members, "expires_at": end and utc(end)}
            grants.change(tx, one.grant.id, {name: members[name] for name in names})
        elif what == "register":
            namespaces.add(tx, checked(namespaces.NamespaceSpec, words))
        elif what == "show":
            namespaces.change(tx, one["name"], one["registry"], words[1])
        elif what == "unregister":
            namespaces.remove(tx, one["name"], one["registry"])
        elif what == "join":
            groups.set_members(tx, "devs", [f"user:{words}"])
        else:
            roles.change(tx, words, ["repository:delete,pull,push"])

    return stage.act(who, run) is None


def questions():
    """Everybody, everywhere, at each time: what the oracle is asked before and after."""
    callers = [("user", "local", name) for name in PEOPLE] + [("anonymous", "", "")]
    for now, registry, name, action, address in itertools.product(
        TIMES, ("a", "b"), NAMES, ("pull", "push", "delete"), ("10.1.1.1", None)
    ):
        for kind, source, caller in callers:
            yield oracle.Question(
                kind, source, caller, (), registry, False, name, action, address, now
            )
    for now, registry in itertools.product(TIMES, ("a", "b")):
        for kind, source, caller in callers:
            yield oracle.Question(
                kind, source, caller, (), registry, False, "", "catalog", None, now
            )


def held_by_owner(world: World, question: oracle.Question, who: str) -> bool:
    """Whether a person owned the name at that time and had the action there, by that alone."""
    asked = {**vars(question), "kind": "user", "source": "local", "caller": who}
    theirs = oracle.Question(**asked)
    return (
        question.action != "catalog"
        and oracle.owns(world, question.name, theirs)
        and not any(oracle.takes(world, grant, theirs) for grant in world.grants)
    )


def check(before: World, after: World, who: str) -> None:
    if before == after:
        return
    for question in questions():
        if oracle.allowed(after, question) and not oracle.allowed(before, question):
            assert held_by_owner(before, question, who), question


@contextmanager
def rolled_back(database: Database):
    """A transaction of which nothing stays."""
    with suppress(RolledBack), database.write() as session:
        yield session
        raise RolledBack


@pytest.fixture(scope="module")
def stored(sqlite_template, tmp_path_factory):
    path = tmp_path_factory.mktemp("owners") / "test.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{path}")
    yield database
    database.dispose()


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    owned=st.lists(owner, min_size=1, max_size=2),
    others=st.lists(grant, max_size=4),
    denies=st.lists(denied, max_size=2),
    spaces=st.lists(namespace, max_size=3),
    devs=st.sets(st.sampled_from(PEOPLE), max_size=2),
    steps=st.lists(
        st.tuples(st.sampled_from(["alice", "alice", "alice", "bob"]), edits), max_size=8
    ),
)
def test_nobody_gains_what_the_owner_who_gave_it_did_not_hold(
    stored, owned, others, denies, spaces, devs, steps
):
    with rolled_back(stored) as session:
        stage = Stage(session, log.lock_head(session))
        set_up(stage, [*owned, *others, *denies], spaces, devs)
        world = stage.world()
        for who, edit in steps:
            made = done(stage, who, edit)
            event(f"{edit[0]}: {'done' if made else 'refused'}")
            after = stage.world()
            assert made or after == world
            check(world, after, who)
            world = after
