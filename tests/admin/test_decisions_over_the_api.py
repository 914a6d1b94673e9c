"""Past decisions: whose they are, who else may read them, and what they say as of today."""

import pytest
from admin.api import PASSPHRASE
from admin.made import NUMBERS

pytestmark = pytest.mark.anyio
BOTH = "scope=repository:team/app:pull,push&scope=repository:elsewhere/x:pull"
SHAPE = {"subject", "service", "granted", "denied", "grants", "visibility", "smallest"}


async def decided(api, who, scopes=BOTH, service="reg-a.test"):
    """The id of what a token request was answered."""
    return (await api.realm.get(f"service={service}&{scopes}", who)).token["jti"]


async def read(api, who, jti):
    return await api.as_(who).get(f"/decisions/{jti}")


def names(entries):
    return [entry["scope"].split(":")[1] for entry in entries]


@pytest.mark.parametrize("who", ["carol", "root", "auditor"])
async def test_the_one_who_asked_and_who_reads_all_are_told_all(api, who):
    jti = await decided(api, "carol")
    answer = await read(api, who, jti)
    assert answer.status == 200
    told = answer.json
    assert told.keys() >= SHAPE | {"time", "entries", "as_of_today"}
    assert names(told["entries"]) == names(told["as_of_today"]) == ["team/app", "elsewhere/x"]
    assert {name: told[name] for name in told["entries"][0]} == told["entries"][0]
    for entry in (*told["entries"], *told["as_of_today"]):
        assert entry.keys() >= SHAPE
        assert entry["subject"] == "user:file:carol"
        assert entry["granted"] == []


async def test_the_first_entry_refused_is_the_one_in_front(api):
    scopes = "scope=repository:open/x:pull&scope=repository:elsewhere/x:pull,push"
    told = (await read(api, "carol", await decided(api, "carol", scopes))).json
    assert names(told["entries"]) == ["open/x", "elsewhere/x"]
    assert (told["granted"], told["denied"]) == ([], ["pull", "push"])
    assert (told["entries"][0]["granted"], told["entries"][0]["denied"]) == (["pull"], [])


async def test_an_owner_is_told_of_entries_at_or_below_alone(api):
    jti = await decided(api, "carol")
    told = (await read(api, "olga", jti)).json
    assert names(told["entries"]) == names(told["as_of_today"]) == ["team/app"]
    assert b"elsewhere" not in (await read(api, "olga", jti)).body


async def test_to_all_others_it_is_as_if_it_were_not_there(api):  # AD-30
    jti = await decided(api, "carol")
    another_registry = await decided(api, "carol", service="reg-b.test")
    suffixes = (
        "scope=repository:team-x/app:pull&scope=repository:te_m:pull&scope=registry:catalog:*"
    )
    near = await decided(api, "carol", suffixes)
    cases = [("bob", jti), ("otto", jti), ("temp", jti), ("olga", another_registry), ("olga", near)]
    for who, hidden in cases:
        answer, absent = [await read(api, who, one) for one in (hidden, "0" * len(hidden))]
        assert answer.status == absent.status == 404
        own = {"instance", "request_id"}
        assert {k: v for k, v in answer.json.items() if k not in own} == {
            k: v for k, v in absent.json.items() if k not in own
        }


async def test_as_of_today_changes_with_a_grant_and_the_past_does_not(api):
    place = f"team/since{next(NUMBERS)}"
    jti = await decided(api, "carol", f"scope=repository:{place}:push")
    before = (await read(api, "carol", jti)).json
    grant = await api.as_("olga").make(
        "/grants", subject="user:file:carol", role="writer", on=place, registry="reg-a.test"
    )
    for who in ("carol", "olga", "auditor"):
        told = (await read(api, who, jti)).json
        assert [entry["granted"] for entry in told["entries"]] == [[]]
        assert [entry["granted"] for entry in told["as_of_today"]] == [["push"]]
    assert [entry["granted"] for entry in before["as_of_today"]] == [[]]
    await api.delete(f"/grants/{grant['id']}")
    assert (await read(api, "carol", jti)).json == before


async def test_a_decision_whose_registry_is_gone_has_no_today(api):
    registry = await api.make("/registries", name="short-lived.test")
    jti = await decided(api, "carol", service="short-lived.test")
    await api.delete(f"/registries/{registry['id']}")
    told = (await read(api, "carol", jti)).json
    assert (len(told["entries"]), told["as_of_today"]) == (2, None)


async def test_my_decisions_are_mine_alone_newest_first_and_paged(api):
    await api.make("/users", name="dev", password=PASSPHRASE)
    dev = f"dev:{PASSPHRASE}"
    made = [await decided(api, dev, f"scope=repository:mine/n{number}:pull") for number in range(5)]
    await decided(api, dev, "scope=repository:open/x:pull")  # all that was asked for
    await decided(api, "carol")
    seen = [one["id"] for one in await api.as_(dev).all("/me/decisions")]
    assert seen == made[::-1]
    paged, path = [], "/me/decisions?limit=2"
    while path:
        answer = await api.as_(dev).get(path)
        assert len(answer.json) <= 2
        paged += [one["id"] for one in answer.json]
        link = answer.headers.get("link", "")
        path = link.partition(">")[0].removeprefix("</api/v1") if link else ""
    assert paged == seen
    answer = await api.as_(dev).get("/me/decisions")
    assert answer.headers["x-total-count"] == "5"
    whole = (await read(api, dev, made[-1])).json
    assert answer.json[0] == {**whole, "as_of_today": None}  # which is asked of one at a time


async def test_a_reduced_request_is_listed_too(api):
    jti = await decided(api, "bob", "scope=repository:team/app:pull,push")
    told = (await api.as_("bob").get("/me/decisions?limit=1")).json[0]
    assert (told["id"], told["granted"], told["denied"]) == (jti, ["pull"], ["push"])


async def test_a_later_namesake_sees_none_of_the_earlier_ones(api):  # rule 10
    who, ids = f"again:{PASSPHRASE}", []
    for _ in range(2):
        user = await api.make("/users", name="again", password=PASSPHRASE)
        ids.append(await decided(api, who))
        assert [one["id"] for one in await api.as_(who).all("/me/decisions")] == ids[-1:]
        await api.delete(f"/users/{user['id']}")
    await api.make("/users", name="again", password=PASSPHRASE)
    assert await api.as_(who).all("/me/decisions") == []
    for jti in ids:
        assert (await read(api, who, jti)).status == 404
        assert (await read(api, "auditor", jti)).json["as_of_today"] is None


@pytest.mark.parametrize(
    "id_", ["x", "*", "%", "..", "' OR 1=1 --", "a" * 5000, "é", "\x00", "1\n"]
)
async def test_an_id_that_no_decision_has_is_404(api, id_):
    for who in ("root", "carol"):
        answer = await read(api, who, id_)
        assert answer.status == 404
        assert answer.json["detail"] == "there is nothing here"
