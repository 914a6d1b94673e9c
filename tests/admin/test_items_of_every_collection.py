"""What holds for the items of every collection, on both engines."""

import pytest
from admin.api import without_secret
from admin.made import CHANGES, NOUNS, NUMBERS, fresh

pytestmark = pytest.mark.anyio
SECRET = ("robots",)  # what is made with a secret


@pytest.fixture(params=NOUNS)
def noun(request):
    return request.param


async def test_a_new_item_is_201_with_its_place_and_its_tag(api, noun):
    body = fresh(noun)
    answer = await api.post(f"/{noun}", body)
    assert answer.status == 201
    item = without_secret(answer.json)
    assert answer.headers["location"] == f"/api/v1/{noun}/{item['id']}"
    shown = await api.get(f"/{noun}/{item['id']}")
    assert (shown.status, shown.json) == (200, item)
    assert shown.headers["etag"] == answer.headers["etag"]
    assert shown.headers["etag"].startswith('"')
    assert shown.headers["cache-control"] == "no-store"
    assert item in await api.all(f"/{noun}")
    given = {name: value for name, value in body.items() if name != "password"}
    assert given.items() <= item.items()
    assert "password" not in item


async def test_what_is_there_already_is_a_conflict_or_just_that(api, noun):
    body = fresh(noun)
    item = await api.make(f"/{noun}", **body)
    answer = await api.post(f"/{noun}", body)
    if noun == "grants":  # equal grants count once
        assert (answer.status, answer.json) == (200, item)
    else:
        assert answer.status == 409
        assert answer.json["status"] == 409
        assert answer.json["detail"]


async def test_a_change_needs_the_tag_of_what_it_changes(api, noun):
    item = await api.make(f"/{noun}", **fresh(noun))
    path = f"/{noun}/{item['id']}"
    tag = (await api.get(path)).headers["etag"]
    assert (await api("PATCH", path, CHANGES[noun])).status == 428
    for wrong in ('"other"', f"W/{tag}", f'"x", W/{tag}'):
        assert (await api.patch(path, CHANGES[noun], tag=wrong)).status == 412
    assert (await api.patch(path, CHANGES[noun], tag="no tag")).status == 422
    assert (await api.get(path)).json == item
    changed = await api.patch(path, CHANGES[noun], tag=f'"x", {tag}')
    assert changed.status == 200
    assert changed.headers["etag"] != tag
    now = await api.get(path)
    assert now.json == changed.json != item
    assert now.headers["etag"] == changed.headers["etag"]
    assert (await api.patch(path, CHANGES[noun], tag=tag)).status == 412


async def test_a_removal_honours_the_tag_and_leaves_nothing(api, noun):
    item = await api.make(f"/{noun}", **fresh(noun))
    path = f"/{noun}/{item['id']}"
    assert (await api.delete(path, tag='"other"')).status == 412
    tag = (await api.get(path)).headers["etag"]
    answer = await api.delete(path, tag=tag)
    assert answer.status == 200
    assert answer.json["removed"] == item
    assert (await api.get(path)).status == 404
    assert (await api.delete(path)).status == 404
    assert (await api.patch(path, CHANGES[noun], tag=tag)).status == 404


async def test_an_item_of_that_name_made_again_has_another_id(api, noun):
    body = fresh(noun)
    first = await api.make(f"/{noun}", **body)
    await api.delete(f"/{noun}/{first['id']}")
    assert (await api.make(f"/{noun}", **body))["id"] != first["id"]


async def test_the_same_request_again_gets_the_first_answer(api, noun):  # AD-15
    body, key = fresh(noun), f"key-{noun}-{next(NUMBERS)}"
    first = await api.post(f"/{noun}", body, key=key)
    before = len(await api.all(f"/{noun}"))
    again = await api.post(f"/{noun}", body, key=key)
    if noun in SECRET:  # shown once
        assert (first.status, again.status) == (201, 200)
        assert without_secret(first.json) == without_secret(again.json)
        assert ("secret" in first.json, "secret" in again.json) == (True, False)
        assert ("advice" in first.json, "advice" in again.json) == (False, True)
    else:
        assert (first.status, first.json) == (again.status, again.json) == (201, first.json)
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["etag"] == first.headers["etag"]
    assert len(await api.all(f"/{noun}")) == before
    other = await api.post(f"/{noun}", fresh(noun), key=key)
    assert other.status == 422
    assert len(await api.all(f"/{noun}")) == before


@pytest.mark.parametrize("extra", ["id", "changed_in", "admin", "builtin", "secret"])
async def test_a_member_that_is_not_the_callers_is_422_with_its_place(api, noun, extra):
    before = await api.all(f"/{noun}")
    answer = await api.post(f"/{noun}", {**fresh(noun), extra: 1})
    assert answer.status == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [fault["pointer"] for fault in answer.json["errors"]] == [f"/{extra}"]
    assert await api.all(f"/{noun}") == before


async def test_what_makes_an_item_what_it_is_does_not_change(api, noun):  # AD-19
    item = await api.make(f"/{noun}", **fresh(noun))
    path = f"/{noun}/{item['id']}"
    wrong = {"id": item["id"] + 1}
    if "name" in item:
        wrong["name"] = "another"
    for name, value in wrong.items():
        answer = await api.patch(path, {name: value})
        assert answer.status == 422, (name, answer.body)
        assert [fault["pointer"] for fault in answer.json["errors"]] == [f"/{name}"]
    same = {name: item[name] for name in wrong}
    assert (await api.patch(path, same)).status == 200
    assert (await api.get(path)).json == item


@pytest.mark.parametrize("id_", ["0", "-1", "01", "1e3", "9" * 30, "abc", "%2e%2e", "1%00", "²"])
async def test_an_id_that_no_row_can_have_is_404(api, noun, id_):
    answer = await api.get(f"/{noun}/{id_}")
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"
