"""Rights over the API are those of this moment, this person and this address."""

import asyncio

import pytest
from admin.api import PASSPHRASE
from admin.made import NUMBERS, fresh
from inprocess import basic

pytestmark = pytest.mark.anyio
NETWORK = ["10.0.0.0/8"]


@pytest.fixture(scope="module", autouse=True)
async def spare(api):
    """An administrator who stays, so that others may go."""
    user = await api.make("/users", **fresh("users"))
    await api.make("/grants", subject=f"user:{user['name']}", role="admin")


@pytest.fixture
async def person(api):
    """Somebody of the database without rights: subject and credentials."""
    name = f"now{next(NUMBERS)}"
    await api.make("/users", name=name, password=PASSPHRASE)
    return f"user:{name}", f"{name}:{PASSPHRASE}"


async def ask(api, who, path, *, peer, headers=()):
    sent = [*basic(who), *headers]
    return (await api.realm.call("GET", f"/api/v1{path}", headers=sent, peer=peer)).status


@pytest.mark.parametrize(
    ("role", "place", "seen"),
    [
        pytest.param("admin", {}, "/users", id="admin"),
        pytest.param("auditor", {}, "/audit", id="auditor"),
        pytest.param("owner", {"on": "now"}, "/grants", id="owner"),
    ],
)
async def test_a_right_ends_with_its_grant_and_with_its_person(api, person, role, place, seen):
    subject, who = person  # AD-25
    assert (await api.as_(who).get(seen)).status == 404
    for end in ("grant", "person"):
        grant = await api.make("/grants", subject=subject, role=role, **place)
        assert (await api.as_(who).get(seen)).status == 200
        if end == "grant":
            assert (await api.delete(f"/grants/{grant['id']}")).status == 200
            assert (await api.as_(who).get(seen)).status == 404
    user = await api.find("/users", name=subject.removeprefix("user:"))
    assert (await api.patch(f"/users/{user['id']}", {"enabled": False})).status == 200
    assert (await api.as_(who).get(seen)).status == 401
    assert (await api.as_(who).get("/me")).status == 401


async def test_rights_come_by_groups_within_groups_and_end_with_them(api, person):
    subject, who = person
    name = subject.removeprefix("user:")
    inner = await api.make("/groups", name=f"in-{name}", members=[name])
    await api.make("/groups", name=f"out-{name}", members=[f"group:in-{name}"])
    await api.make("/grants", subject=f"group:out-{name}", role="auditor")
    assert (await api.as_(who).get("/audit")).status == 200
    assert (await api.post("/groups", {"name": "x"})).status == 201
    assert (await api.as_(who).post("/groups", {"name": "y"})).status == 403
    await api.patch(f"/groups/{inner['id']}", {"members": []})
    assert (await api.as_(who).get("/audit")).status == 404


@pytest.mark.parametrize("role", ["admin", "auditor"])
async def test_a_network_counts_by_the_true_address(api, person, role):  # rule 11, PX-15
    subject, who = person
    await api.make("/grants", subject=subject, role=role, cidrs=NETWORK)
    forwarded = [("x-forwarded-for", "10.1.2.3")]
    assert await ask(api, who, "/users", peer="10.1.2.3") == 200
    assert await ask(api, who, "/users", peer="192.0.2.1") == 404
    assert await ask(api, who, "/users", peer="192.0.2.1", headers=forwarded) == 404
    assert await ask(api, who, "/users", peer="10.1.2.3", headers=forwarded) == 404


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"on": "now/cidr", "cidrs": ["0.0.0.0/0", "::/0"]}, id="with networks"),
        pytest.param({"on": "now/**"}, id="of a glob"),
        pytest.param({"on": "{username}"}, id="of homes"),
        pytest.param({"on": "now/denied", "effect": "deny"}, id="a deny"),
    ],
)
async def test_a_grant_of_owner_that_is_no_plain_allow_manages_nothing(api, person, members):
    subject, who = person  # rule 9
    await api.make("/grants", subject=subject, role="owner", **members)
    assert (await api.as_(who).get("/me")).json["owns"] == []
    assert (await api.as_(who).get("/grants")).status == 404
    answer = await api.as_(who).post("/grants", {"subject": subject, "role": "reader", "on": "now"})
    assert answer.status == 404


async def test_an_administrator_who_is_denied_everything_takes_it_back(api):  # RB-18, rule 5
    scope = "repository:team/app:pull"
    assert await api.token("root", scope) == {"team/app": ["pull"]}
    denies = [
        await api.make("/grants", subject="user:file:root", effect="deny", **place)
        for place in ({"role": "admin"}, {"role": "owner", "on": "**"})
    ]
    assert await api.token("root", scope) == {}
    assert (await api.get("/users")).status == 200
    for deny in denies:
        assert (await api.delete(f"/grants/{deny['id']}")).status == 200
    assert await api.token("root", scope) == {"team/app": ["pull"]}


async def test_people_of_one_name_in_two_sources_are_two_people(api):
    await api.make("/users", name="olga", password=PASSPHRASE)
    other = (await api.as_(f"olga:{PASSPHRASE}").get("/me")).json
    assert (other["subject"], other["owns"]) == ("user:local:olga", [])
    assert (await api.as_(f"olga:{PASSPHRASE}").get("/grants")).status == 404
    assert (await api.as_(f"OLGA:{PASSPHRASE}").get("/me")).status == 401


async def test_what_is_taken_while_it_is_used_is_taken(api, person):
    """A grant given away and the right to give it, at once: one after the other, in some order."""
    subject, who = person
    on = f"race{next(NUMBERS)}"
    own = await api.make("/grants", subject=subject, role="owner", on=on)
    gone, *made = await asyncio.gather(
        api.delete(f"/grants/{own['id']}"),
        *(
            api.as_(who).post(
                "/grants", {"subject": "everyone", "role": "reader", "on": f"{on}/{n}"}
            )
            for n in range(8)
        ),
    )
    assert gone.status == 200
    assert {answer.status for answer in made} <= {201, 404}
    assert len(await api.all(f"/grants?q={on}/")) == [a.status for a in made].count(201)
    late = await api.as_(who).post("/grants", {"subject": "everyone", "role": "reader", "on": on})
    assert late.status == 404
