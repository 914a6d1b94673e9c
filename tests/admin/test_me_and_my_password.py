"""/me for everybody: who I am, what I reach, and my own password (contract section 4)."""

import pytest
from admin.api import OFF, PASSPHRASE
from admin.made import NUMBERS

pytestmark = pytest.mark.anyio
NEW = "five lakes and two bridges"


@pytest.fixture
async def pia(api):
    """A person of the database, with her name."""
    return (await api.make("/users", name=f"pia{next(NUMBERS)}", password=PASSPHRASE))["name"]


async def test_me(api):
    carol = (await api.as_("carol").get("/me")).json
    assert carol.items() >= {
        "id": "carol", "name": "carol", "source": "file", "subject": "user:file:carol",
        "groups": [], "admin": False, "auditor": False, "owns": [], "grants": [],
    }.items()  # fmt: skip
    assert (await api.get("/me")).json["admin"] is True
    assert (await api.as_("auditor").get("/me")).json["auditor"] is True
    owned = (await api.as_("olga").get("/me")).json
    assert owned["owns"] == [{"on": "team", "registry": "reg-a.test", "expires_at": None}]
    assert [grant["role"] for grant in owned["grants"]] == ["owner"]
    assert (await api.as_("temp").get("/me")).json["owns"][0]["expires_at"]


async def test_what_i_reach(api):
    told = (await api.as_("bob").get("/me/repositories")).json
    assert all(one.keys() >= {"on", "registry", "actions"} for one in told)
    reached = {(one["on"], one["registry"]): one["actions"] for one in told}
    assert reached[("team", None)] == ["pull"]
    assert reached[("open", None)] == ["pull"]
    nobody = (await api.as_("carol").get("/me/repositories")).json
    assert ("team", None) not in {(one["on"], one["registry"]) for one in nobody}


@pytest.mark.parametrize("path", ["/me", "/me/repositories", "/me/decisions"])
async def test_nobody_else_is_asked_for_by_a_parameter(api, path):
    for query in ("user=root", "subject=user:file:root", "id=root", "name=root"):
        assert (await api.as_("carol").get(f"{path}?{query}")).status == 422


async def change(api, who, old, new):
    return await api.as_(who)("PUT", "/me/password", {"old": old, "new": new})


async def signs_in(api, who):
    token = await api.realm.get("service=reg-a.test", who)
    me = await api.as_(who).get("/me")
    assert token.status == me.status
    return token.status == 200


async def test_a_new_password_counts_at_once_and_the_old_one_no_more(api, pia):
    assert await signs_in(api, f"{pia}:{PASSPHRASE}")
    answer = await change(api, f"{pia}:{PASSPHRASE}", PASSPHRASE, NEW)
    assert answer.status == 200
    assert answer.json["name"] == pia
    assert not {"old", "new", "password", "secret"} & answer.json.keys()
    assert not await signs_in(api, f"{pia}:{PASSPHRASE}")
    assert await signs_in(api, f"{pia}:{NEW}")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("not the old password", NEW, id="the old one is wrong"),
        pytest.param("", NEW, id="the old one is empty"),
        pytest.param(PASSPHRASE.upper(), NEW, id="the old one in upper case"),
        pytest.param(PASSPHRASE + " ", NEW, id="the old one with a blank more"),
        pytest.param(PASSPHRASE, "short", id="AD-24 too short"),
        pytest.param(PASSPHRASE, "a" * 14, id="AD-24 14 characters"),
        pytest.param(PASSPHRASE, "ab" * 513, id="AD-24 1,026 characters"),
        pytest.param(PASSPHRASE, "", id="AD-24 empty"),
        pytest.param(PASSPHRASE, "PasswordPassword", id="AD-24 on the blocklist, folded"),
        pytest.param(PASSPHRASE, None, id="null"),
        pytest.param(PASSPHRASE, 123456789012345, id="a number"),
        pytest.param(PASSPHRASE, "tab\tand control chars", id="a control character"),
    ],
)
async def test_a_refused_change_leaves_the_old_one(api, pia, old, new):
    answer = await change(api, f"{pia}:{PASSPHRASE}", old, new)
    assert answer.status == 422
    assert [fault["pointer"] for fault in answer.json["errors"]] == [
        "/new" if old == PASSPHRASE else "/old"
    ]
    if new:
        assert str(new).encode() not in answer.body
    assert PASSPHRASE.encode() not in answer.body
    assert await signs_in(api, f"{pia}:{PASSPHRASE}")
    if isinstance(new, str) and 0 < len(new) <= 1_024 and new.isprintable():
        assert not await signs_in(api, f"{pia}:{new}")


@pytest.mark.parametrize(
    "new", ["fifteen letters", "ab" * 512, "пятнадцать знаков", "reg-a.test and more"]
)
async def test_a_password_needs_length_and_nothing_else(api, pia, new):  # AD-24
    assert (await change(api, f"{pia}:{PASSPHRASE}", PASSPHRASE, new)).status == 200
    assert await signs_in(api, f"{pia}:{new}")


async def test_neither_the_name_nor_a_service_may_be_it(api):  # AD-24
    await api.make("/registries", name="a-long-registry.test")
    name = "someone-with-a-long-name"
    await api.make("/users", name=name, password=PASSPHRASE)
    for new in (name, name.upper(), "a-long-registry.test", "A-Long-Registry.TEST"):
        assert (await change(api, f"{name}:{PASSPHRASE}", PASSPHRASE, new)).status == 422
        answer = await api.post("/users", {"name": name + "2", "password": new})
        assert answer.status == (422 if "registry" in new.lower() else 201)
        if answer.status == 201:
            await api.delete(f"/users/{answer.json['id']}")


@pytest.mark.parametrize("body", [{}, {"old": PASSPHRASE}, {"new": NEW}, {"old": 1, "new": NEW},
                                  {"old": PASSPHRASE, "new": NEW, "name": "root"}])  # fmt: skip
async def test_a_body_of_another_shape_changes_nothing(api, pia, body):
    answer = await api.as_(f"{pia}:{PASSPHRASE}")("PUT", "/me/password", body)
    assert answer.status == 422
    assert answer.json["errors"]
    assert await signs_in(api, f"{pia}:{PASSPHRASE}")


async def test_passwords_of_other_sources_and_of_the_disabled_are_not_changed_here(api):
    answer = await change(api, "carol", "correct horse battery staple", NEW)
    assert answer.status == 422
    assert await signs_in(api, "carol")
    assert (await change(api, OFF, PASSPHRASE, NEW)).status == 401
    assert (await change(api, "", PASSPHRASE, NEW)).status == 401


async def test_an_administrator_sets_one_without_the_old(api, pia):
    user = await api.find("/users", name=pia)
    path = f"/users/{user['id']}"
    assert (await api.patch(path, {"password": "short"})).status == 422
    assert await signs_in(api, f"{pia}:{PASSPHRASE}")
    assert (await api.patch(path, {"password": NEW})).status == 200
    assert not await signs_in(api, f"{pia}:{PASSPHRASE}")
    assert await signs_in(api, f"{pia}:{NEW}")
    assert (await api.patch(path, {"enabled": False})).status == 200
    assert not await signs_in(api, f"{pia}:{NEW}")
    assert (await api.patch(path, {"enabled": True})).status == 200
    assert await signs_in(api, f"{pia}:{NEW}")
