"""What minted secrets are worth: judged by their rows and their owners', at every use."""

import asyncio
import os
from datetime import timedelta

import pytest
from identity.minted_parts import (
    AS_BASIC,
    AS_BEARER,
    AS_FORM,
    DAY,
    allowed,
    changed,
    desk,
    left,
    minted,
    person,
    remembered,
    robot,
    said,
    shown,
    switched,
)
from identity.parts import NOW, here

from authsvc.clock import utc
from authsvc.db.models import Robot, Secret
from authsvc.identity.minted import Lasting
from authsvc.protocol import secrets
from authsvc.protocol.credentials import Password

LASTING = Lasting(90 * DAY, 30 * DAY)


def of_robot(database, name="robot.ci", /, **more):
    return shown(minted(database, "rob", robot(database), **more), name)


def of_machine(database, **more):
    return shown(minted(database, "rob", robot(database, **more)), "robot.ci")


def of_both_ends(database, first, second):
    """A robot that ends at one time, and its secret that ends at another."""
    return shown(minted(database, "rob", robot(database, ends=first), ends=second), "robot.ci")


def of_person(database, name="alice", /, **more):
    return shown(minted(database, "pat", person(database), **more), name)


def of_client(database, **more):
    return shown(minted(database, "ref", person(database), **more), way=AS_FORM)


def of_disabled(database, kind, way, name="alice"):
    owner = person(database, enabled=False)
    return shown(minted(database, kind, owner), name, way)


def of_nobody(database, name="alice", text=None):
    person(database)
    robot(database)
    return Password(name, text or secrets.mint("pat", os.urandom))


CASES = [
    pytest.param(of_robot, "robot.ci", id="robot"),
    pytest.param(of_person, "alice", id="personal"),
    pytest.param(of_client, "alice", id="refresh token"),
    pytest.param(lambda d: of_machine(d, enabled=False), "no: disabled", id="robot disabled"),
    pytest.param(lambda d: of_disabled(d, "pat", AS_BEARER), "no: disabled", id="owner disabled"),
    pytest.param(lambda d: of_disabled(d, "ref", AS_FORM), "no: disabled", id="client disabled"),
    pytest.param(lambda d: of_robot(d, ends=NOW), "no: expired", id="secret at its end"),
    pytest.param(lambda d: of_robot(d, ends=NOW + 0.5), "robot.ci", id="secret before its end"),
    pytest.param(lambda d: of_machine(d, ends=NOW), "no: expired", id="robot at its end"),
    pytest.param(lambda d: of_machine(d, ends=NOW + 0.5), "robot.ci", id="robot before its end"),
    pytest.param(
        lambda d: of_both_ends(d, NOW, NOW + DAY), "no: expired", id="robot ends before its secret"
    ),
    pytest.param(
        lambda d: of_both_ends(d, NOW + DAY, NOW), "no: expired", id="secret ends before its robot"
    ),
    pytest.param(lambda d: of_person(d, ends=NOW - 1), "no: expired", id="personal, its end"),
    pytest.param(
        lambda d: of_client(d, at=NOW - 90 * DAY, used=NOW - 1), "no: expired", id="RT-13 too old"
    ),
    pytest.param(
        lambda d: of_client(d, at=NOW - 90 * DAY + 1, used=NOW - 1), "alice", id="RT-13 nearly"
    ),
    pytest.param(lambda d: of_client(d, at=NOW - 30 * DAY), "no: idle", id="RT-13 never used"),
    pytest.param(
        lambda d: of_client(d, at=NOW - 60 * DAY, used=NOW - 30 * DAY), "no: idle", id="RT-13 idle"
    ),
    pytest.param(
        lambda d: of_client(d, at=NOW - 60 * DAY, used=NOW - 30 * DAY + 1), "alice", id="RT-13 used"
    ),
    pytest.param(lambda d: of_robot(d, at=NOW - 400 * DAY), "robot.ci", id="robots grow old"),
    pytest.param(lambda d: of_person(d, at=NOW - 400 * DAY), "alice", id="personal grow old"),
    pytest.param(lambda d: of_robot(d, at=NOW + 61), "no: not_yet_valid", id="HA-23 robot"),
    pytest.param(lambda d: of_client(d, at=NOW + 61), "no: not_yet_valid", id="HA-23 client"),
    pytest.param(lambda d: of_person(d, at=NOW + 60), "alice", id="clocks of replicas"),
    pytest.param(lambda d: of_person(d, "bob"), "no: other_user", id="another's name"),
    pytest.param(lambda d: of_person(d, "Alice"), "no: other_user", id="in another case"),
    pytest.param(lambda d: of_person(d, "alice "), "no: other_user", id="with a blank"),
    pytest.param(lambda d: of_person(d, "robot.ci"), "no: other_user", id="as a robot"),
    pytest.param(lambda d: of_robot(d, "robot.cd"), "no: other_user", id="another robot"),
    pytest.param(lambda d: of_robot(d, "ci"), "no: other_user", id="robot without its prefix"),
    pytest.param(lambda d: of_robot(d, "Robot.ci"), "no: other_user", id="robot in another case"),
    pytest.param(
        lambda d: of_disabled(d, "pat", AS_BASIC, "my secret typed here"),
        "no: other_user",
        id="PX-08 of somebody disabled, with another name",
    ),
    pytest.param(of_nobody, "no: wrong_secret", id="of no row, for a person"),
    pytest.param(lambda d: of_nobody(d, "robot.ci"), "no: wrong_secret", id="for a robot"),
    pytest.param(lambda d: of_nobody(d, "bob"), "no: unknown_secret", id="for nobody"),
    pytest.param(lambda d: of_nobody(d, "robot.x"), "no: unknown_secret", id="for no robot"),
    pytest.param(lambda d: of_nobody(d, "robot.ci", "x"), "no: unknown_secret", id="a password"),
]


@pytest.mark.parametrize(("make", "expected"), CASES)
def test_a_secret_is_worth_what_its_row_and_its_owner_say(database, make, expected):
    credentials = make(database)

    async def story():
        with desk(database, lasting=LASTING) as at:
            assert await said(at, credentials) == expected
            assert remembered(at, credentials) == (not expected.startswith("no"))
            assert at.checks == []  # no source of passwords was shown it

    asyncio.run(story())


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda text: text[:-1], id="cut"),
        pytest.param(lambda text: text[:-1] + "!", id="another character"),
        pytest.param(lambda text: text[:-1] + ("b" if text[-1] == "a" else "a"), id="checksum"),
        pytest.param(lambda text: text.swapcase(), id="another case"),
        pytest.param(lambda text: f" {text}", id="blank before it"),
        pytest.param(lambda text: f"{text}\n", id="line end behind it"),
        pytest.param(lambda text: text.replace("asv_pat", "asv_rob"), id="called another kind"),
        pytest.param(lambda text: text.replace("asv_pat", "asv_ref"), id="called a refresh token"),
        pytest.param(lambda text: text + "A", id="longer"),
    ],
)
def test_one_that_cannot_be_ours_is_refused_without_any_look_up(spoil):
    def find(_shown):
        raise AssertionError("it was looked up")

    async def story():
        with desk(None, find=find) as at:
            credentials = Password("alice", spoil(secrets.mint("pat", os.urandom)))
            assert await said(at, credentials) == "no: unknown_secret"
            assert at.checks == []

    asyncio.run(story())


def test_the_ends_of_what_is_remembered_are_judged_at_every_use(database):
    """Its own end and its robot's, the age of a refresh token, its registry, its networks."""
    machine = robot(database, cidrs=["192.0.2.0/24", "2001:db8::/32"], ends=NOW + 30)
    inside = shown(minted(database, "rob", machine), "robot.ci")
    owner = person(database)
    personal = shown(minted(database, "pat", owner, ends=NOW + 30))
    aged = shown(minted(database, "ref", owner, at=NOW - 90 * DAY + 30, used=NOW), way=AS_FORM)

    async def story():
        with desk(database, lasting=LASTING) as at:
            for each, name in ((inside, "robot.ci"), (personal, "alice"), (aged, "alice")):
                assert await said(at, each) == name
                assert remembered(at, each, now=NOW + 29)
                assert not remembered(at, each, now=NOW + 30)
                assert await said(at, each, now=NOW + 30) == "no: expired"
                assert remembered(at, each)
            for address in ("192.0.3.1", "2001:db9::1", ""):
                assert not remembered(at, inside, address=address)
                assert await said(at, inside, address=address) == "no: address"
            assert await said(at, inside, address_known=False) == "no: address"
            assert await said(at, inside, address="2001:db8::7") == "robot.ci"
            assert not remembered(at, aged, service="another:5000")
            assert await said(at, aged, service="another:5000") == "no: other_registry"
            assert remembered(at, personal, service="another:5000", address="198.51.100.1")

    asyncio.run(story())


def test_what_a_secret_carries_of_its_owners_rights(database):
    owner, machine = person(database), robot(database)
    scopes = ["repository:team/app:pull"]
    kinds = {
        "admin": (minted(database, "pat", owner, name="a", manages=True), "alice", True),
        "plain": (minted(database, "pat", owner, name="b"), "alice", False),
        "both": (
            minted(database, "pat", owner, name="c", manages=True, scopes=scopes), "alice", False,
        ),
        "robot": (minted(database, "rob", machine, manages=False), "robot.ci", False),
    }  # fmt: skip

    async def story():
        with desk(database) as at:
            for secret, name, manages in kinds.values():
                found = await at.authenticator.identify(shown(secret, name), here())
                assert found.bounds.manages is manages
                assert found.credential_id == str(secret.id)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("scopes", "name", "expected"),
    [
        (["repository:team/app:pull"], "team/app", ["pull"]),
        (["repository:team/app:pull"], "team/app2", []),
        (["repository:team/app:pull"], "team/app/below", []),
        (["repository:team/*:pull,push"], "team/app", ["pull", "push"]),
        (["repository:team/*:pull,push"], "team/app/below", []),
        (["repository:team/**:pull"], "team/app/below", ["pull"]),
        (["repository:team/**:pull"], "team", []),
        (["repository:**:delete"], "team/app", ["delete"]),
        (["repository:team/app:pull", "repository:team/*:push"], "team/app", ["pull", "push"]),
        (["registry:catalog:*"], "team/app", []),
        (["repository:team/app:*"], "team/app", []),
        (["a scope of a later release"], "team/app", []),
        (["repository:team/app:pull", "a later one"], "team/app", ["pull"]),
        ([], "team/app", []),
    ],
)
def test_scopes_allow_what_they_name_and_one_that_cannot_be_read_nothing(
    database, scopes, name, expected
):
    secret = minted(database, "pat", person(database), scopes=scopes)
    assert allowed(database, secret, name, "pull", "push", "delete") == expected


def test_what_ends_or_bounds_a_robot_counts_for_all_its_secrets(database):
    machine = robot(database)
    both = [shown(minted(database, "rob", machine), "robot.ci") for _ in range(2)]

    async def story():
        with desk(database, ttl=0) as at:
            assert [await said(at, each) for each in both] == ["robot.ci"] * 2
            switched(database, machine, on=False)
            assert [await said(at, each) for each in both] == ["no: disabled"] * 2
            switched(database, machine, on=True)
            changed(database, Robot, machine, cidrs=["198.51.100.0/24"])
            assert [await said(at, each) for each in both] == ["no: address"] * 2
            changed(database, Robot, machine, cidrs=[], expires_at=utc(NOW) - timedelta(days=1))
            assert [await said(at, each) for each in both] == ["no: expired"] * 2
            changed(database, Robot, machine, expires_at=None)
            assert [await said(at, each) for each in both] == ["robot.ci"] * 2

    asyncio.run(story())


def test_a_person_who_is_disabled_ends_their_refresh_tokens_and_their_own_ones_sleep(database):
    owner = person(database)
    personal, token = (minted(database, kind, owner) for kind in ("pat", "ref"))

    async def story():
        with desk(database, ttl=0) as at:
            switched(database, owner, on=False)
            assert await said(at, shown(personal)) == "no: disabled"
            assert await said(at, shown(token, way=AS_FORM)) == "no: disabled"
            assert left(database) == [personal.id]
            switched(database, owner, on=True)
            assert await said(at, shown(personal)) == "alice"
            assert await said(at, shown(token, way=AS_FORM)) == "no: unknown_secret"

    asyncio.run(story())


def test_a_source_that_is_configured_no_longer_vouches_for_nobody(database):
    owner = person(database, "lana", "corp")
    made = {kind: minted(database, kind, owner) for kind in ("pat", "ref")}

    async def story():
        with desk(database) as at:
            assert await said(at, shown(made["pat"], "lana")) == "no: unknown_source"
            assert await said(at, shown(made["ref"], way=AS_FORM)) == "no: unknown_source"
            assert len(left(database)) == 2  # it may be back tomorrow

    asyncio.run(story())


def test_a_clock_that_was_put_back_ends_nothing_for_good(database):
    token = minted(database, "ref", person(database), at=NOW + DAY)

    async def story():
        with desk(database, lasting=LASTING) as at:
            assert await said(at, shown(token, way=AS_FORM)) == "no: not_yet_valid"
            assert await said(at, shown(token, way=AS_FORM), now=NOW + DAY) == "alice"
            changed(database, Secret, token.id, last_used_at=utc(NOW + 2 * DAY))
            assert await said(at, shown(token, way=AS_FORM), now=NOW + DAY) == "alice"

    asyncio.run(story())
