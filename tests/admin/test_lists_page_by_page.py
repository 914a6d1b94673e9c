"""Lists: pages, filters and cursors."""

import pytest

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module", autouse=True)
async def many(api):
    for number in range(12):
        await api.make("/namespaces", name=f"paged/n{number:02}")
    for name in ("like_me", "likexme", "like-me"):
        await api.make("/namespaces", name=f"odd/{name}")


async def test_pages_hold_every_item_once_in_one_order(api):
    seen, path, pages = [], "/namespaces?q=paged/&limit=5", 0
    while path:
        answer = await api.get(path)
        assert answer.headers["x-total-count"] == "12"
        seen += [item["name"] for item in answer.json]
        link = answer.headers.get("link", "")
        assert not link or link.endswith('; rel="next"')
        path = link.partition(">")[0].removeprefix("</api/v1") if link else ""
        pages += 1
    assert (pages, seen) == (3, [f"paged/n{number:02}" for number in range(12)])


async def test_an_item_made_meanwhile_moves_no_other(api):
    first = await api.get("/namespaces?q=paged/&limit=5")
    gone = first.json[0]
    await api.delete(f"/namespaces/{gone['id']}")
    rest = first.headers["link"].partition(">")[0].removeprefix("</api/v1")
    assert (await api.get(rest)).json[0]["name"] == "paged/n05"
    await api.make("/namespaces", name=gone["name"])


@pytest.mark.parametrize("limit", ["-1", "0", "501", "1e9", "1000000000000000000", "abc", "", "²"])
async def test_a_limit_out_of_bounds_is_422(api, limit):  # AD-11
    assert (await api.get(f"/namespaces?limit={limit}")).status == 422


async def test_a_cursor_is_good_for_its_own_list_alone(api):  # AD-11
    link = (await api.get("/namespaces?q=paged/&limit=5")).headers["link"]
    cursor = link.partition("cursor=")[2].partition(">")[0]
    assert (await api.get(f"/namespaces?q=paged/&cursor={cursor}")).status == 200
    for path in ("/namespaces", "/namespaces?q=odd", "/grants", "/users?q=paged/"):
        joint = "&" if "?" in path else "?"
        assert (await api.get(f"{path}{joint}cursor={cursor}")).status == 422
    for wrong in ("", "abc", cursor[:-1], cursor[::-1], "A" * 5_000, "%00", "é"):
        assert (await api.get(f"/namespaces?q=paged/&cursor={wrong}")).status == 422


@pytest.mark.parametrize(
    ("q", "found"),
    [
        pytest.param("like_me", ["like_me"], id="an underscore is no wildcard"),
        pytest.param("like%25me", [], id="a percent sign is no wildcard"),
        pytest.param("LIKE_ME", [], id="letters count as they are"),
        pytest.param("like*", [], id="a star is a star"),
        pytest.param("' OR 1=1 --", [], id="SQL is text"),
        pytest.param("like", ["like_me", "likexme", "like-me"], id="a part"),
    ],
)
async def test_q_is_a_text_within_the_name_letter_by_letter(api, q, found):
    answer = await api.get(f"/namespaces?q={q.replace(' ', '%20')}")
    assert [item["name"].removeprefix("odd/") for item in answer.json] == found
    assert answer.headers["x-total-count"] == str(len(found))


@pytest.mark.parametrize("query", ["page=2", "q=a&q=b", "limit=1&limit=2", "Q=a", f"q={'a' * 300}"])
async def test_a_parameter_that_means_nothing_is_422(api, query):
    assert (await api.get(f"/namespaces?{query}")).status == 422
    assert (await api.get("/namespaces/1?x=1")).status in (404, 422)


async def test_records_are_paged_newest_first_and_not_counted(api):
    answer = await api.get("/audit?limit=3&event=admin")
    assert "x-total-count" not in answer.headers
    first = answer.json
    rest = answer.headers["link"].partition(">")[0].removeprefix("</api/v1")
    second = (await api.get(rest)).json
    times = [record["time"] for record in (*first, *second)]
    assert times == sorted(times, reverse=True)
    assert len({record["id"] for record in (*first, *second)}) == 6
    assert {record["event"] for record in (*first, *second)} == {"admin"}
    for wrong in (
        "event=x",
        "outcome=x",
        "since=yesterday",
        "until=x",
        "who=:me",
        "address=x",
        "whom=me",
    ):
        assert (await api.get(f"/audit?{wrong}")).status == 422
