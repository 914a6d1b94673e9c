"""Who may do one thing to one repository, from what is stored, on both engines."""

from datetime import UTC, datetime

import pytest
from access import oracle
from access.rows import Rows
from access.test_engine_and_oracle import EXAMPLES, ROLES, USERS, numbered, situations
from access.world import CI, NOBODY, NOW, Grant, World, a_registry, person
from hypothesis import HealthCheck, given, settings

from authsvc.access import covering_rows
from authsvc.access.questions import able
from authsvc.errors import Invalid, NotFound
from authsvc.protocol.names import parse_subject

EMPTY = World()


class Stored:
    """A world in the tables, for as long as the session of `rows` goes on."""

    def __init__(self, session, world: World) -> None:
        self.session = session
        self.rows = Rows(session)
        self.ids: dict[str, int] = {}
        self.registries = {name: self.rows.registry(name) for name in ("reg", "other")}
        for name, allow in world.roles.items():
            texts = {"catalog": "registry:catalog:*"}
            self.rows.role(name, [texts.get(one, f"repository:{one}") for one in sorted(allow)])
        for path, registry, visibility in world.namespaces:
            self.rows.namespace(path, self.registries.get(registry), visibility)
        for group, member in world.members:
            self.rows.member(self.subject(group), self.subject(member))
        self.numbers = {self.grant(grant): grant.id or 0 for grant in world.grants}

    def subject(self, text: str, **more) -> int:
        if text not in self.ids:
            ref = parse_subject(text)
            found = self.rows.found(ref.kind, ref.name, ref.source)
            self.ids[text] = found or self.rows.subject(ref.kind, ref.name, ref.source, **more)
        return self.ids[text]

    def grant(self, grant: Grant) -> int:
        return self.rows.grant(
            self.subject(grant.subject), grant.role, grant.on,
            registry_id=self.registries.get(grant.registry), effect=grant.effect,
            expires_at=grant.expires and datetime.fromtimestamp(grant.expires, UTC),
            cidrs=list(grant.cidrs),
        )  # fmt: skip

    def able(self, action: str, name: str, service: str | None = "reg") -> dict[str, list[int]]:
        found = able(self.session, action, name, service, now=NOW)
        assert len({each.subject for each in found}) == len(found)
        return {
            each.subject: [self.numbers.get(grant, grant) for grant in each.grants]
            for each in found
        }


@pytest.fixture
def stored(database):
    """Puts a world into an empty database."""
    with database.write() as session:
        yield lambda world=EMPTY: Stored(session, world)


def devs(*grants, **more):
    members = (
        ("group:devs", "user:local:alice"), ("group:devs", "group:ops"),
        ("group:ops", "user:local:bob"), ("group:ops", "group:devs"),
        ("group:ops", "group:corp:eng"),
    )  # fmt: skip
    return World(numbered(list(grants)), members=members, **more)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        pytest.param(World(), {}, id="nobody"),
        pytest.param(
            devs(Grant("group:devs", "writer", "team")),
            {"group:corp:eng": [10], "user:local:alice": [10], "user:local:bob": [10]},
            id="groups in groups become people, a directory's group stands for itself",
        ),
        pytest.param(
            devs(Grant("group:devs", "writer", "team"),
                 Grant("user:local:bob", "pusher", "team/*", effect="deny")),
            {"group:corp:eng": [10], "user:local:alice": [10]},
            id="a person's own deny",
        ),
        pytest.param(
            devs(Grant("group:devs", "writer", "team"),
                 Grant("group:corp:eng", "admin", effect="deny")),
            {"user:local:alice": [10], "user:local:bob": [10]},
            id="a deny of the directory's group",
        ),
        pytest.param(
            devs(Grant("user:local:alice", "admin"), Grant("user:local:bob", "reader"),
                 Grant("robot:ci", "writer", "team/app")),
            {"robot:ci": [12], "user:local:alice": [10]}, id="admins and robots",
        ),
        pytest.param(
            devs(Grant("authenticated", "writer", "team"),
                 Grant("user:local:bob", "owner", "team")),
            {"authenticated": [10], "user:local:bob": [10, 11]},
            id="people are named beside authenticated for what is theirs",
        ),
        pytest.param(
            devs(Grant("everyone", "writer", "team"), Grant("user:local:bob", "reader", "team"),
                 Grant("authenticated", "reader", "team")),
            {"everyone": [10]}, id="no more than everyone",
        ),
        pytest.param(
            devs(Grant("user:local:alice", "writer", "team", registry="other"),
                 Grant("user:local:bob", "writer", "team", expires=NOW)),
            {}, id="of another registry, ended",
        ),
        pytest.param(
            devs(Grant("user:local:alice", "writer", "team", cidrs=("10.0.0.0/8",)),
                 Grant("user:local:bob", "writer", "team"),
                 Grant("user:local:bob", "writer", "team", effect="deny", cidrs=("10.0.0.0/8",))),
            {}, id="the address is not known: in no allow, in every deny",
        ),
        pytest.param(
            World((Grant("user:local:bob", "writer", "team-x", id=1),
                   Grant("user:local:bob", "writer", "te_m", id=2),
                   Grant("user:local:bob", "writer", "team/a", id=3),
                   Grant("user:local:bob", "writer", "team/app/x", id=4),
                   Grant("user:local:bob", "writer", "*", id=5),
                   Grant("user:local:bob", "writer", "TEAM/app", id=6))),
            {}, id="places that differ a little",
        ),
        pytest.param(
            World((Grant("user:local:bob", "writer", "*/app", id=1),
                   Grant("user:local:bob", "writer", "t**", id=2),
                   Grant("user:local:bob", "writer", "team/a*p", id=3),
                   Grant("user:local:bob", "writer", "team/app", id=4))),
            {"user:local:bob": [1, 2, 3, 4]}, id="globs",
        ),
    ],
)  # fmt: skip
def test_who_can_push(stored, world, expected):
    rows = stored(World(world.grants, world.namespaces, world.members, ROLES))
    assert rows.able("push", "team/app") == expected


@pytest.mark.parametrize(
    ("visibility", "expected"),
    [
        pytest.param("public", {"everyone": []}, id="public"),
        pytest.param("internal", {"authenticated": []}, id="internal"),
        pytest.param("private", {}, id="private"),
    ],
)
def test_who_can_pull_by_visibility(stored, visibility, expected):
    rows = stored(World(namespaces=(("team", None, visibility),)))
    assert rows.able("pull", "team/app") == expected
    assert rows.able("push", "team/app") == {}


def test_a_template_names_those_people_who_are_there(stored):
    rows = stored(
        World(
            (
                Grant("authenticated", "writer", "home/{username}/**", id=1),
                Grant("group:labs", "writer", "home/{username}-lab/**", id=2),
            ),
            namespaces=(("home/owned", None, "private"),),
            members=(("group:labs", "user:local:alice"),),
        )
    )
    for name in ("alice", "bob", "owned", "home", "x", "Alice"):
        rows.subject(f"user:local:{name}")
    rows.subject("user:corp:alice")
    assert rows.able("push", "home/alice/x") == {"user:corp:alice": [1], "user:local:alice": [1]}
    assert rows.able("push", "home/alice-lab/x") == {"user:local:alice": [2]}
    assert rows.able("push", "home/nobody/x") == {}
    assert rows.able("push", "home/owned/x") == {}


def test_the_disabled_and_the_retired_are_left_out(stored):
    rows = stored(World(namespaces=()))
    for name, more in {"off": {"enabled": False}, "gone": {"retired": True}, "on": {}}.items():
        rows.subject(f"user:local:{name}", **more)
        rows.grant(Grant(f"user:local:{name}", "reader", "team"))
        rows.rows.member(rows.subject("group:devs"), rows.ids[f"user:local:{name}"])
    rows.grant(Grant("group:devs", "maintainer", "{username}/**"))
    assert set(rows.able("pull", "team/app")) == {"user:local:on"}
    assert rows.able("pull", "off/app") == {}


def test_a_registry_without_writes_or_tokens_lets_nobody(stored):
    rows = stored(World((Grant("everyone", "writer"),)))
    rows.rows.registry("still", read_only=True)
    rows.rows.registry("off", enabled=False)
    assert rows.able("push", "x", "still") == rows.able("pull", "x", "off") == {}
    assert set(rows.able("pull", "x", "still")) == {"everyone"}


@pytest.mark.parametrize(
    ("action", "name", "service", "fault"),
    [
        pytest.param("fly", "team", "reg", Invalid, id="unknown action"),
        pytest.param("*", "team", "reg", Invalid, id="no single action"),
        pytest.param("pull", "Team//x", "reg", Invalid, id="RN-01 no name"),
        pytest.param("pull", "te%m'; --", "reg", Invalid, id="SQL metacharacters"),
        pytest.param("pull", "team", None, Invalid, id="several registries"),
        pytest.param("pull", "team", "gone", NotFound, id="unknown registry"),
    ],
)
def test_what_is_no_question(stored, action, name, service, fault):
    with pytest.raises(fault):
        stored().able(action, name, service)


def test_only_grants_that_cover_are_read(stored):
    rows = stored(
        World((Grant("everyone", "reader", "a/b", id=1), Grant("everyone", "reader", "c")))
    )
    crowd = covering_rows.load(rows.session, a_registry("reg"), "a/b/c")
    assert [list(each.paths) for each in crowd.rules.values()] == [["a/b"]]


@settings(
    max_examples=max(20, EXAMPLES // 20), deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(situation=situations())
def test_who_can_names_whom_a_token_would_serve(database, situation):
    world, _, (name, *_) = situation
    with database.write() as session:
        rows = Stored(session, world)
        for source, who in USERS:
            rows.subject(f"user:{source}:{who}")
        rows.subject("robot:ci")
        for action in ("pull", "push"):
            check(world, action, name, rows.able(action, name))
        session.rollback()


def check(world, action, name, found):
    def may(principal):
        question = oracle.Question(
            principal.kind.value, principal.source, principal.name, principal.groups,
            "reg", False, name, action, None, NOW,
        )  # fmt: skip
        return oracle.allowed(world, question)

    everyone, authenticated = may(NOBODY), may(person("Some Body", "other"))
    assert ("everyone" in found) == everyone
    assert not found.keys() & {"authenticated"} or authenticated
    assert found.keys() & {"everyone", "authenticated"} or not authenticated
    crowd = [person(who, source) for source, who in USERS]
    for principal in [*crowd, CI]:
        common = everyone if principal is CI else authenticated
        listed = principal.subject in found
        assert may(principal) if listed else common or not may(principal), principal
    devs = person("Some Body", "corp", ("group:corp:devs",))
    assert "group:corp:devs" not in found or may(devs)
    if any(grant.subject == "group:corp:devs" for grant in world.grants) and may(devs):
        assert "group:corp:devs" in found or authenticated
