"""What a refresh token is worth, and what ends it for good."""

import asyncio
from datetime import timedelta

import pytest
from inprocess import PASSWORD, form, serving
from refreshed import PUSH, add, given, giving, grant, local, person, refused, run, shown
from sqlalchemy import select, update

from authsvc.changes import grants, users
from authsvc.clock import utc
from authsvc.db.models import Secret, Subject
from authsvc.identity.passwords import hash_password
from authsvc.settings import load

pytestmark = pytest.mark.anyio
NEW = hash_password("another horse, another staple")


@pytest.fixture(scope="module")
async def realm(tmp_path_factory):
    async with giving(tmp_path_factory.mktemp("used")) as running:
        yield running


@pytest.fixture
async def own(tmp_path):
    """One for a test that changes what is in it."""
    async with giving(tmp_path) as running:
        yield running


def aged(realm, **columns):
    """Set times of all refresh tokens, as columns of lengths before now."""
    now = utc(realm.parts.clock.now())
    moments = {name: now - length for name, length in columns.items()}
    with realm.parts.database.write() as session:
        session.execute(update(Secret).where(Secret.kind == "ref").values(**moments))


@pytest.mark.parametrize("who", ["alice", "dora"])
async def test_it_brings_what_its_owner_may(realm, who):
    answer = await shown(realm, await given(realm, who), scope=PUSH)
    assert answer.access == {"team/app": ["pull", "push"]}
    assert answer.token["sub"] == who


async def test_without_a_scope_it_is_a_login_check(realm):
    answer = await shown(realm, await given(realm), scope="")
    assert (answer.status, answer.access) == (200, {})


@pytest.mark.parametrize(
    "scope",
    [
        pytest.param("repository:ops/x:pull,push,delete", id="RT-05-elsewhere"),
        pytest.param("registry:catalog:*", id="RT-05-catalog"),
        pytest.param("repository:team/app:delete", id="RT-05-more"),
    ],
)
async def test_it_never_brings_more(realm, scope):
    answer = await shown(realm, await given(realm), scope=scope)
    assert (answer.status, answer.access) == (200, {})


async def test_rights_are_those_of_now(own):
    token = await given(own)
    await shown(own, token, scope=PUSH)
    made = grant(own.parts, subject="user:file:alice", role="maintainer", on="later")
    wider = "repository:later/x:delete,pull"
    for _ in range(250):
        if (await shown(own, token, scope=wider)).access:
            break
        await asyncio.sleep(0.02)
    assert (await shown(own, token, scope=wider)).access == {"later/x": ["delete", "pull"]}
    run(own.parts, lambda tx: grants.remove(tx, made["id"]))
    for _ in range(250):
        if not (await shown(own, token, scope=wider)).access:
            break
        await asyncio.sleep(0.02)
    assert (await shown(own, token, scope=wider)).access == {}


@pytest.mark.parametrize("service", ["reg-b.test", "short.test"])
async def test_at_another_registry_it_is_400(realm, service):
    token = await given(realm)
    for _ in range(2):  # not remembered, and remembered
        answer = await shown(realm, token, service=service)
        assert (answer.status, answer.json["error"]) == (400, "invalid_grant")
        assert (await shown(realm, token)).status == 200


@pytest.mark.parametrize("service", ["off.test", "nowhere.test"])
async def test_at_a_service_that_is_not_served_it_is_400(realm, service):
    answer = await shown(realm, await given(realm), service=service)
    assert (answer.status, answer.json["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("name", ["bob", "root", "nobody", "alice"])
async def test_the_account_says_nothing(realm, name):  # AC-05
    answer = await shown(realm, await given(realm), scope=PUSH, account=name, username=name)
    assert answer.token["sub"] == "alice"


@pytest.mark.parametrize("client", ["docker", "somebody-else", None])
async def test_the_client_is_recorded_and_not_bound(realm, client):  # RT-20
    token = await given(realm)
    more = {} if client is None else {"client_id": client}
    assert (await shown(realm, token, **more)).status == 200
    assert realm.records()[-1]["client_id"] == client


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"), id="checksum"),
        pytest.param(lambda text: text.swapcase(), id="case"),
        pytest.param(lambda text: text + " ", id="blank-after"),
        pytest.param(lambda text: " " + text, id="blank-before"),
        pytest.param(lambda text: text.replace("_ref_", "_pat_"), id="kind"),
        pytest.param(lambda text: text[:-1], id="short"),
        pytest.param(lambda text: text + "A", id="long"),
        pytest.param(lambda _: "x" * 5_000, id="very-long"),
        pytest.param(lambda _: PASSWORD, id="password"),
    ],
)
async def test_a_spoilt_one_is_400(realm, spoil):
    answer = await shown(realm, spoil(await given(realm)))
    assert (answer.status, answer.json["error"]) == (400, "invalid_grant")


async def test_as_basic_it_is_401_and_no_failure(realm):
    """BuildKit shows it like that, sees 401, and sends the form."""
    token = await given(realm)
    for _ in range(300):  # three times address_failures
        answer = await realm.get(f"service=reg-a.test&scope={PUSH}", f":{token}")
        assert answer.status == 401
    assert (await shown(realm, token)).status == 200
    assert (await realm.get("service=reg-a.test", "alice")).status == 200


async def test_it_is_no_password_and_no_bearer(realm):  # RT-15
    token = await given(realm, "root")
    assert (await realm.get("service=reg-a.test", f"root:{token}")).status == 401
    posted = {"grant_type": "password", "service": "reg-a.test", "username": "root"}
    assert (await realm.post(form(**posted, password=token))).status == 401
    bearer = [("authorization", f"Bearer {token}")]
    query = "service=reg-a.test&scope=repository:open/x:pull"
    assert (await realm.call("GET", "/token", query=query, headers=bearer)).status == 401
    assert (await realm.call("GET", "/api/v1/me", headers=bearer)).status == 401
    assert (await shown(realm, token)).status == 200


async def test_fifty_at_once_all_succeed(realm):
    token = await given(realm)
    answers = await asyncio.gather(*(shown(realm, token, scope=PUSH) for _ in range(50)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.token["jti"] for answer in answers}) == 50


async def test_five_hundred_uses(realm):  # RT-13
    token = await given(realm)
    for _ in range(500):
        assert (await shown(realm, token)).status == 200


@pytest.mark.parametrize(
    ("columns", "works"),
    [
        pytest.param({"created_at": timedelta(days=89)}, True, id="RT-13-young-and-used"),
        pytest.param({"created_at": timedelta(days=91)}, False, id="RT-13-age"),
        pytest.param({"last_used_at": timedelta(days=29)}, True, id="RT-13-used-of-late"),
        pytest.param({"last_used_at": timedelta(days=31)}, False, id="RT-13-idle"),
        pytest.param({"created_at": -timedelta(hours=1)}, False, id="clock-put-back"),
    ],
)
async def test_age_idleness_and_a_clock_that_was_put_back(realm, columns, works):
    token = await given(realm)
    defaults = {"created_at": timedelta(days=60), "last_used_at": timedelta(days=1)}
    aged(realm, **defaults | columns)
    answer = await shown(realm, token)
    assert answer.status == (200 if works else 400)
    assert works or answer.json["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("more", "status"),
    [
        pytest.param('[refresh]\nmax_age = "90m"\n', 400, id="RT-13-max_age"),
        pytest.param('[refresh]\nidle = "90m"\n', 400, id="RT-13-idle"),
        pytest.param('[refresh]\nidle = "3h"\nmax_age = "4h"\n', 200, id="RT-13-longer"),
    ],
)
async def test_the_settings_bound_those_given_before_too(tmp_path, more, status):
    async with giving(tmp_path, more=more) as realm:
        token = await given(realm)
        aged(realm, created_at=timedelta(hours=2))
        assert (await shown(realm, token)).status == status


async def test_it_outlives_a_restart_and_what_was_revoked_does_not_come_back(tmp_path):
    async with giving(tmp_path) as realm:
        token, other = await given(realm), await given(realm, "bob")
        run(realm.parts, lambda tx: users.revoke(tx, person("file", "bob")))
    settings = load(tmp_path / "authsvc.toml", {})
    async with serving(settings, realm.parts) as again:
        assert (await shown(again, token)).status == 200
        assert (await shown(again, other)).status == 400
    realm.parts.database.dispose()


@pytest.mark.parametrize(
    ("end", "back"),
    [
        pytest.param(lambda tx: users.set_password(tx, local("dora"), NEW), None, id="password"),
        pytest.param(
            lambda tx: users.set_enabled(tx, local("dora"), enabled=False),
            lambda tx: users.set_enabled(tx, local("dora"), enabled=True),
            id="disabled",
        ),
        pytest.param(lambda tx: users.revoke(tx, local("dora")), None, id="revoked"),
        pytest.param(
            lambda tx: users.remove(tx, local("dora")),
            lambda tx: users.add(tx, "dora", NEW, enabled=True),
            id="RT-10",
        ),
    ],
)
@pytest.mark.parametrize("remembered", [True, False])
async def test_what_ends_it_ends_it_for_good(own, end, back, remembered):
    token = await given(own, "dora")
    if remembered:
        assert (await shown(own, token)).status == 200
    run(own.parts, end)
    assert await refused(own, token)
    if back is not None:
        run(own.parts, back)
        await asyncio.sleep(1.1)  # until every worker must have seen it
        assert (await shown(own, token)).status == 400


async def test_a_line_of_the_file_that_is_gone_or_new_ends_those_of_its_person(own):  # HT-10
    gone, new, stays = [await given(own, who) for who in ("alice", "bob", "carol")]
    file = own.parts.settings.sources[0].path
    lines = dict(line.split(":", 1) for line in file.read_text().split())
    changed = {"bob": NEW, "carol": lines["carol"]}
    file.write_text("".join(f"{name}:{hashed}\n" for name, hashed in changed.items()))
    assert await refused(own, gone)
    assert await refused(own, new)
    assert (await shown(own, stays)).status == 200
    file.write_text("".join(f"{name}:{hashed}\n" for name, hashed in lines.items()))
    await asyncio.sleep(1.1)
    assert (await shown(own, gone)).status == (await shown(own, new)).status == 400


async def test_of_too_many_the_oldest_goes_and_is_recorded(tmp_path):  # RT-21
    async with giving(tmp_path, more="[refresh]\nper_user_and_registry = 3\n") as realm:
        tokens = [await given(realm) for _ in range(3)]
        others = [await given(realm, "bob"), await given(realm, service="reg-b.test")]
        assert (await shown(realm, tokens[0])).status == 200  # and remembered
        tokens.append(await given(realm))
        record = next(each for each in reversed(realm.records()) if each["event"] == "admin")
        (evicted,) = record["before"][0]["refresh_tokens"]
        assert (evicted["user"], evicted["registry"]) == ("user:file:alice", "reg-a.test")
        assert record["actor"]["kind"] == "system"
        assert await refused(realm, tokens[0])
        assert {(await shown(realm, token)).status for token in tokens[1:]} == {200}
        assert (await shown(realm, others[0])).status == 200
        assert (await shown(realm, others[1], service="reg-b.test")).status == 200
        with realm.parts.database.read() as session:
            alice = session.scalar(select(Subject.id).where(Subject.name == "alice"))
            assert len(session.scalars(select(Secret).where(Secret.subject_id == alice)).all()) == 4


async def test_nobody_new_inherits(own):  # RT-10, with rights of the new one
    token = await given(own, "newcomer")
    run(own.parts, lambda tx: users.remove(tx, local("newcomer")))
    add(own.parts, "newcomer")
    grant(own.parts, subject="user:newcomer", role="owner", on="team")
    assert await refused(own, token, scope=PUSH)
