"""From credentials to a principal: sources in order, and every "no" alike."""

import asyncio
from dataclasses import replace
from ipaddress import ip_network

import pytest
from identity.parts import NOW, SECRET, People, here, house, htpasswd_line

from authsvc.errors import Unavailable
from authsvc.identity.htpasswd import Htpasswd
from authsvc.identity.minted import Stored
from authsvc.identity.provider import Rejected, Unknown, Verified
from authsvc.principal import ANONYMOUS, Kind, Principal
from authsvc.protocol.credentials import Anonymous, Malformed, Password, RefreshToken
from authsvc.protocol.secrets import mint

ROBOT_SECRET = mint("rob", bytes)
PAT = mint("pat", bytes)
REFRESH_TOKEN = mint("ref", bytes)
CI = Stored(
    id=7, kind="rob", owner=Principal(Kind.ROBOT, "", "ci", "5"), enabled=True, made=NOW, used=NOW,
    ends=None,
)  # fmt: skip


@pytest.fixture
def people():
    people = People()
    people.add("alice")
    people.add("mallory", enabled=False)
    return people


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "htpasswd"
    path.write_text(htpasswd_line("alice", "her other one") + htpasswd_line("bob", SECRET))
    return Htpasswd("file", path, ["bcrypt"], pause=lambda _seconds: None)


class Directory:
    """A source whose names know no case, and that can be down."""

    name = "corp"

    def __init__(self, *names, down=False):
        self.names = {name.casefold(): name for name in names}
        self.down = down

    def verify(self, username, password, now):
        if self.down:
            raise Unavailable("the directory does not answer", what=self.name)
        stored = self.names.get(username.casefold())
        if stored is None:
            return Unknown()
        return Verified(Principal(Kind.USER, self.name, stored, stored))

    def is_current(self, verified):
        return True

    def knows(self, username):
        return None


def test_who_shows_nothing_is_anonymous_and_what_is_unusable_is_refused():
    async def story():
        with house() as at:
            identify = at.authenticator.identify
            assert (await identify(Anonymous(), here())).principal is ANONYMOUS
            assert at.authenticator.remembered(Anonymous(), here()).principal is ANONYMOUS
            assert await identify(Malformed("no_colon"), here()) == Rejected("malformed")
            assert await identify(RefreshToken("x"), here()) == Rejected("unknown_secret")
            for unusable in (Malformed("no_colon"), RefreshToken("x")):
                assert at.authenticator.remembered(unusable, here()) is None

    asyncio.run(story())


def test_the_first_source_that_knows_the_name_answers_for_it(people, file):
    async def story():
        with house(people.provider(), file) as at:
            alice = await at.identify("alice", SECRET)
            assert alice.principal.subject == "user:local:alice"
            assert alice.principal.id == "id-of-alice"
            assert await at.identify("alice", "her other one") == Rejected("wrong_password")
            assert (await at.identify("bob", SECRET)).principal.subject == "user:file:bob"
            assert await at.identify("carol", SECRET) == Rejected("unknown_user")
        assert at.checks == [
            ("local", "verified"),
            ("local", "rejected"),
            ("local", "unknown"),
            ("file", "verified"),
            ("local", "unknown"),
            ("file", "unknown"),
        ]

    asyncio.run(story())


def test_a_source_that_cannot_be_asked_ends_the_search(people, file):
    async def story():
        down = Directory(down=True)
        with house(people.provider(), down, file) as at:
            assert isinstance(await at.identify("alice", SECRET), Verified)
            for _ in range(2):
                with pytest.raises(Unavailable):
                    await at.identify("bob", SECRET)
            down.down = False
            assert isinstance(await at.identify("bob", SECRET), Verified)
        assert ("corp", "unavailable") in at.checks

    asyncio.run(story())


@pytest.mark.parametrize(
    ("name", "password", "reason"),
    [
        pytest.param("alice", "wrong", "wrong_password", id="wrong password"),
        pytest.param("carol", SECRET, "unknown_user", id="unknown name"),
        pytest.param("mallory", SECRET, "disabled", id="disabled"),
        pytest.param("mallory", "wrong", "wrong_password", id="disabled and wrong"),
        pytest.param("bob", "wrong", "wrong_password", id="wrong password of a file's user"),
    ],
)
def test_every_refusal_is_answered_at_one_time_after_its_arrival(
    people, file, name, password, reason
):
    """BF-01, BF-02, BF-13: also when it is a remembered one, three times from three addresses."""

    async def story():
        with house(people.provider(), file) as at:
            for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2"):
                arrived = at.clock.monotonic()
                assert await at.identify(name, password, address=address) == Rejected(reason)
                assert at.clock.monotonic() - arrived == pytest.approx(at.costs.refusal_after)

    asyncio.run(story())


def test_who_is_right_does_not_wait(people):
    async def story():
        with house(people.provider()) as at:
            arrived = at.clock.monotonic()
            await at.identify("alice", SECRET)
            assert at.clock.monotonic() == arrived

    asyncio.run(story())


def test_an_unknown_name_costs_a_slow_hash_and_a_known_one_no_second(people, file):
    async def story():
        with house(people.provider(), file) as at:
            await at.identify("alice", "wrong")
            await at.identify("mallory", SECRET)
            await at.identify("bob", SECRET)
            assert at.costs.spent == 0
            await at.identify("carol", SECRET)
            assert at.costs.spent == 1

    asyncio.run(story())


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("Alice", id="case"),
        pytest.param("\uff41lice", id="BA-15 full-width letter"),
        pytest.param("ａｌｉｃｅ", id="BA-15 full-width word"),  # noqa: RUF001 - that is the case
        pytest.param("alice ", id="blank"),
        pytest.param("alic\u0435", id="Cyrillic letter"),
    ],
)
def test_a_name_that_only_looks_like_alice_is_not_alice(people, name):
    """BA-15: not even when the database's collation takes them for equal."""
    people.stored[name] = people.stored["alice"]

    async def story():
        with house(people.provider()) as at:
            assert await at.identify(name, SECRET) == Rejected("unknown_user")

    asyncio.run(story())


def test_robots_are_looked_up_among_robots_only(people, file):
    people.add("robot.ci")

    async def story():
        with house(people.provider(), file, Directory("robot.ci")) as at:
            assert await at.identify("robot.ci", SECRET) == Rejected("unknown_secret")
            assert await at.identify("robot.ci", ROBOT_SECRET) == Rejected("unknown_secret")
            assert at.checks == []
            assert at.costs.spent == 0

    asyncio.run(story())


def test_a_stored_name_that_an_earlier_source_has_belongs_to_that_source(people):
    """Typed as ALICE, the directory's alice must not pass by the local one."""

    async def story():
        with house(people.provider(), Directory("alice", "bob")) as at:
            assert await at.identify("ALICE", "directory's") == Rejected("wrong_password")
            bob = await at.identify("BOB", "directory's")
            assert bob.principal.subject == "user:corp:bob"
            assert at.remembered("BOB", "directory's") is bob
            people.add("bob")
            at.authenticator.forget(frozenset({"name:bob"}))
            assert at.remembered("BOB", "directory's") is None
            assert await at.identify("BOB", "directory's") == Rejected("wrong_password")

    asyncio.run(story())


def test_a_minted_secret_is_decided_by_its_look_up_alone(people):
    asked = []

    def find(shown):
        asked.append(shown)
        return CI if shown.secret == ROBOT_SECRET else Rejected("unknown_secret")

    async def story():
        with house(people.provider(), find=find) as at:
            assert (await at.identify("robot.ci", ROBOT_SECRET)).principal is CI.owner
            assert at.remembered("robot.ci", ROBOT_SECRET).principal is CI.owner
            assert (await at.identify("robot.ci", ROBOT_SECRET)).credential_id == "7"
            assert len(asked) == 1
            at.authenticator.forget(frozenset({"secret:7"}))
            assert at.remembered("robot.ci", ROBOT_SECRET) is None
            for _ in range(2):  # a "no" is looked up each time: no topic would end it
                assert await at.identify("alice", ROBOT_SECRET) == Rejected("other_user")
            assert len(asked) == 3
            assert await at.identify("alice", PAT) == Rejected("unknown_secret")
            assert at.checks == []

    asyncio.run(story())


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(ROBOT_SECRET[:-1] + "!", id="another character"),
        pytest.param(ROBOT_SECRET[:-1], id="cut"),
        pytest.param(ROBOT_SECRET + "0", id="longer"),
        pytest.param(ROBOT_SECRET.swapcase(), id="another case"),
        pytest.param(f" {ROBOT_SECRET}", id="a blank before it"),
        pytest.param(f"{ROBOT_SECRET} ", id="a blank after it"),
        pytest.param(ROBOT_SECRET.replace("rob", "pat"), id="another kind"),
        pytest.param(REFRESH_TOKEN, id="a refresh token for a password"),
    ],
)
@pytest.mark.parametrize("name", ["robot.ci", "alice"])
def test_what_was_a_minted_secret_once_is_shown_to_no_source_and_not_looked_up(people, name, shown):
    asked = []

    async def story():
        with house(people.provider(), find=asked.append) as at:
            assert isinstance(await at.identify(name, shown), Rejected)
            assert at.checks == []
            assert asked == []

    asyncio.run(story())


def test_a_secrets_bounds_are_judged_at_every_use(people):
    office = replace(CI, networks=(ip_network("192.0.2.0/24"),))

    async def story():
        with house(find=lambda shown: office) as at:
            for address, within in (("192.0.2.1", True), ("198.51.100.1", False)) * 2:
                answer = await at.identify("robot.ci", ROBOT_SECRET, address=address)
                remembered = at.remembered("robot.ci", ROBOT_SECRET, address=address)
                assert isinstance(answer, Verified) == within
                assert (remembered is not None) == within
            assert await at.identify("robot.ci", ROBOT_SECRET, address="") == Rejected("address")

    asyncio.run(story())


def test_a_login_renews_a_hash_of_other_parameters_and_goes_on_when_it_cannot(people):
    old = htpasswd_line("u", SECRET).strip().partition(":")[2]
    for name in ("carol", "dave", "erin"):
        people.add(name, stored_hash=old)
    people.stored["erin"] = replace(people.stored["erin"], enabled=False)
    healthy = people.rehash

    def rehash(name, before, after):
        if name == "dave":
            raise Unavailable("the database is read-only", what="database")
        healthy(name, before, after)

    people.rehash = rehash

    async def story():
        with house(people.provider()) as at:
            assert await at.identify("carol", "wrong") == Rejected("wrong_password")
            assert await at.identify("erin", SECRET) == Rejected("disabled")
            assert people.rehashed == []
            for name in ("carol", "dave", "alice"):
                assert isinstance(await at.identify(name, SECRET), Verified)
            assert people.rehashed == ["carol"]
            assert people.stored["carol"].hash.startswith("$argon2id$")
            at.authenticator.forget(None)
            assert isinstance(await at.identify("carol", SECRET), Verified)
            assert people.rehashed == ["carol"]

    asyncio.run(story())


def test_a_flood_beyond_the_queue_is_told_to_come_back(people):
    async def story():
        with house(people.provider(), threads=1, queue=2) as at:
            answers = await asyncio.gather(
                *(at.identify("alice", f"guess {number}") for number in range(10)),
                return_exceptions=True,
            )
            refused = [a for a in answers if isinstance(a, Unavailable)]
            assert len(refused) == 7
            assert {a.what for a in refused} == {"passwords"}
            assert isinstance(await at.identify("alice", SECRET), Verified)

    asyncio.run(story())


def test_no_password_stands_in_what_is_printed_of_an_answer(people):
    async def story():
        with house(people.provider()) as at:
            verified = await at.identify("alice", SECRET)
            shown = repr(verified) + repr(Password("alice", SECRET)) + repr(people.stored["alice"])
            assert SECRET not in shown
            assert "$argon2" not in shown

    asyncio.run(story())
