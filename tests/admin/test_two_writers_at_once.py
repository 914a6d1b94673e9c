"""Requests that come at the same time, or twice: one of them counts (AD-15, contract section 4)."""

import asyncio

import pytest
from admin.api import PASSPHRASE, without_secret
from admin.made import CHANGES, NOUNS, NUMBERS, fresh

pytestmark = pytest.mark.anyio
OTHERS = CHANGES | {
    "registries": {"ttl": 700},
    "namespaces": {"visibility": "internal"},
    "users": {"password": PASSPHRASE + ", another one"},
    "groups": {"members": ["file:carol"]},
    "roles": {"allow": ["repository:delete"]},
    "grants": {"reason": "another"},
    "robots": {"enabled": False},
}


@pytest.mark.parametrize("noun", NOUNS)
async def test_of_two_changes_of_the_same_state_one_is_made(api, noun):
    item = await api.make(f"/{noun}", **fresh(noun))
    path = f"/{noun}/{item['id']}"
    tag = (await api.get(path)).headers["etag"]
    changes = (CHANGES[noun], OTHERS[noun])
    answers = await asyncio.gather(*(api.patch(path, body, tag=tag) for body in changes))
    if noun == "users":  # a password is no part of the item, so its state is still the same
        assert 200 in {answer.status for answer in answers}
        return
    assert sorted(answer.status for answer in answers) == [200, 412]
    made = next(answer for answer in answers if answer.status == 200)
    assert (await api.get(path)).json == made.json != item


@pytest.mark.parametrize("noun", NOUNS)
async def test_a_change_and_a_removal_of_the_same_state(api, noun):
    item = await api.make(f"/{noun}", **fresh(noun))
    path = f"/{noun}/{item['id']}"
    tag = (await api.get(path)).headers["etag"]
    changed, removed = await asyncio.gather(
        api.patch(path, CHANGES[noun], tag=tag), api.delete(path, tag=tag)
    )
    assert (changed.status, removed.status) in {(200, 412), (404, 200)}
    assert (await api.get(path)).status == (200 if changed.status == 200 else 404)


@pytest.mark.parametrize("noun", NOUNS)
async def test_five_times_the_same_request_makes_one_item(api, noun):  # AD-15
    body, key = fresh(noun), f"five-{next(NUMBERS)}"
    before = len(await api.all(f"/{noun}"))
    answers = await asyncio.gather(*(api.post(f"/{noun}", body, key=key) for _ in range(5)))
    told = [(without_secret(a.json), a.headers["etag"], a.headers["location"]) for a in answers]
    assert told == [told[0]] * 5
    shown = [answer for answer in answers if "secret" in answer.json]
    assert len(shown) == (noun == "robots")  # shown once
    made = shown or answers
    assert [answer.status for answer in answers] == [201 if a in made else 200 for a in answers]
    assert len(await api.all(f"/{noun}")) == before + 1


@pytest.mark.parametrize("noun", [noun for noun in NOUNS if noun != "grants"])
async def test_five_times_the_same_name_without_a_key_makes_one_item(api, noun):
    body = fresh(noun)
    answers = await asyncio.gather(*(api.post(f"/{noun}", body) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409, 409]


async def test_a_key_counts_for_its_caller_and_its_route_alone(api):  # AD-15
    key = f"shared-{next(NUMBERS)}"
    mine = {"subject": "user:file:bob", "role": "reader", "registry": "reg-a.test"}
    first = await api.post("/grants", {**mine, "on": "team/keyed"}, key=key)
    other = await api.as_("olga").post("/grants", {**mine, "on": "team/keyed2"}, key=key)
    elsewhere = await api.post("/groups", {"name": f"keyed{next(NUMBERS)}"}, key=key)
    assert [first.status, other.status, elsewhere.status] == [201, 201, 201]
    assert first.json["id"] != other.json["id"]
    again = await api.as_("olga").post("/grants", {**mine, "on": "team/keyed2"}, key=key)
    assert (again.status, again.json) == (201, other.json)


async def test_a_key_is_answered_to_nobody_who_may_not_come_in(api):
    key, body = f"lost-{next(NUMBERS)}", fresh("namespaces")
    assert (await api.post("/namespaces", body, key=key)).status == 201
    assert (await api.as_("carol").post("/namespaces", body, key=key)).status == 404
    assert (await api.as_("auditor").post("/namespaces", body, key=key)).status == 403


async def test_a_refused_request_leaves_its_key_free(api):
    key, name = f"refused-{next(NUMBERS)}", f"free{next(NUMBERS)}"
    for body, status in (
        ({"name": name, "members": ["not-here"]}, 422),
        ({"name": name, "more": 1}, 422),
        ({"name": "devs"}, 409),
    ):
        assert (await api.post("/groups", body, key=key)).status == status
    assert not (await api.get(f"/groups?q={name}")).json
    assert (await api.as_("auditor").post("/groups", {"name": name}, key=key)).status == 403
    assert (await api.post("/groups", {"name": name}, key=key)).status == 201


async def test_the_first_answer_is_given_again_whatever_happened_since(api):
    key, body = f"since-{next(NUMBERS)}", fresh("groups")
    first = await api.post("/groups", body, key=key)
    path = f"/groups/{first.json['id']}"
    await api.patch(path, {"members": ["file:bob"]})
    again = await api.post("/groups", body, key=key)
    assert (again.status, again.json) == (201, first.json)
    await api.delete(path)
    assert (await api.post("/groups", body, key=key)).json == first.json
    assert (await api.get(path)).status == 404


async def test_no_later_namesake_is_given_what_the_first_one_was_answered(api):  # rule 10
    name, key = f"twin{next(NUMBERS)}", "first"
    who = f"{name}:{PASSPHRASE}"
    answers = []
    for _ in range(2):
        user = await api.make("/users", name=name, password=PASSPHRASE)
        await api.make("/grants", subject=f"user:{name}", role="owner", on=f"{name}-s")
        body = {"subject": "user:file:bob", "role": "reader", "on": f"{name}-s/app"}
        answers.append(await api.as_(who).post("/grants", body, key=key))
        assert answers[-1].status == 201
        await api.delete(f"/grants/{answers[-1].json['id']}")
        await api.delete(f"/users/{user['id']}")
    assert answers[0].json["id"] != answers[1].json["id"]
