"""What a document says of what is not there, or of what must not be: faults with their places."""

import pytest
from changes.policies import applied, differing, planned, something_of_each, stored

from authsvc.errors import Conflict, Invalid


@pytest.fixture
def held(road):
    return something_of_each(road)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        pytest.param(
            "groups:\n- {name: new, members: [zoe, yan, bob]}\ngrants:\n"
            "- {subject: 'user:zoe', role: reader, on: x}\n- {subject: 'group:no', role: reader,"
            " on: x}\n- {subject: 'robot:ci', role: reader, on: x}",
            [2, 2, 4, 5, 6],
            id="people, groups, robots",
        ),
        pytest.param(
            "namespaces:\n- {name: x, registry: no}\ngrants:\n"
            "- {subject: everyone, role: reader, on: x, registry: no}",
            [2, 4],
            id="registries",
        ),
        pytest.param(
            "grants:\n- {subject: everyone, role: no, on: x}\n- {subject: everyone, role: reeder,"
            " on: x}",
            [2, 3],
            id="roles",
        ),
        pytest.param(
            "grants:\n- {subject: 'user:elsewhere:x', role: reader, on: x}\n"
            "- {subject: 'group:elsewhere:x', role: reader, on: x}\n"
            "groups:\n- {name: x, members: ['elsewhere:x']}",
            [2, 3, 5],
            id="sources",
        ),
        pytest.param(
            "grants:\n- {subject: 'user:user', role: reader, on: x}\n"
            "- {subject: 'group:group', role: reader, on: x}\n"
            "- {subject: 'robot:robot', role: reader, on: x}\n"
            "groups:\n- {name: new, members: [user]}",
            [2, 3, 4, 6],
            id="names that are first words of subjects",
        ),
        pytest.param(
            "grants:\n- {subject: 'user:zoe', role: no, on: x, registry: no}\n"
            "tests:\n- zoe can pull x on no",
            [2, 2, 2, 4, 4],
            id="all of one entry",
        ),
        pytest.param(
            "tests:\n- zoe can pull x\n- user:elsewhere:x can pull x\n- bob can pull x on no",
            [2, 3, 4],
            id="tests",
        ),
        pytest.param(
            "grants:\n- {subject: everyone, role: reader, on: x, expires_at: 2026-01-01T00:00:00Z}",
            [2],
            id="an end in the past",
        ),
        pytest.param(
            "grants:\n- {subject: 'robot:ci', role: admin}\n- {subject: 'robot:ci', role: reader,"
            " on: x}",
            [2, 2, 3],
            id="robots that are not there, with a role that none may have",
        ),
    ],
)
def test_all_that_is_missing_is_named_at_once_with_its_place(held, text, places):
    before = stored(held)
    for attempt in (planned, applied):
        with pytest.raises(Invalid) as caught:
            attempt(held, text)
        lines = [int(place.split(":")[1]) for place, _ in caught.value.faults]
        assert sorted(lines) == places
        assert all(place.startswith("p.yaml:") for place, _ in caught.value.faults)
    assert stored(held) == before


def test_the_nearest_name_is_told(held):
    text = """
    grants:
    - {subject: 'user:alcie', role: reader, on: x}
    - {subject: 'group:dev', role: reeder, on: x}
    - {subject: everyone, role: reeder, on: x, registry: aa}
    """
    with pytest.raises(Invalid) as caught:
        planned(held, text)
    told = [said for _, said in caught.value.faults]
    near = ["alice", "devs", "reader", "a", "reader"]
    assert [said.rpartition("did you mean ")[2] for said in told] == [f"'{n}'?" for n in near]


def test_directory_people_and_groups_need_not_have_been_seen(held):
    text = """
    groups: [{name: devs, members: ["file:zoe", "group:corp:builders"]}]
    grants:
    - {subject: "user:corp:yan", role: reader, on: x}
    - {subject: "group:corp:builders", role: reader, on: x}
    """
    applied(held, text)
    assert differing(planned(held, text)) == {}
    assert {"group:corp:builders", "user:file:zoe"} < set(stored(held)["groups"][0]["members"])
    applied(held, 'groups: [{name: devs, members: ["file:new"]}]')
    assert {"user:file:new", "user:file:zoe"} < set(stored(held)["groups"][0]["members"])


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("groups: [{name: devs, members: ['group:devs']}]", id="itself"),
        pytest.param("groups: [{name: ops, members: ['group:ops']}]", id="itself, a new one"),
        pytest.param(
            "groups: [{name: b, members: ['group:devs']}, {name: devs, members: ['group:c']},"
            " {name: c, members: ['group:b']}]",
            id="through new ones",
        ),
        pytest.param("groups: [{name: inner, members: ['group:outer']}]", id="through stored ones"),
    ],
)
def test_a_loop_of_groups_is_refused_before_anything_is_written(held, text):
    held.group("inner")
    held.group("outer", "group:inner")
    before = stored(held)
    for attempt in (planned, applied):
        with pytest.raises(Conflict, match=r"p\.yaml:1:\d+: .* member of itself"):
            attempt(held, text)
    assert stored(held) == before


def test_what_would_be_a_loop_with_what_goes_is_none(held):
    """Who was above comes below, whichever of the two stands first in the files."""
    held.group("inner")
    held.group("outer", "group:inner")
    for text in (
        "groups: [{name: devs}, {name: inner, members: ['group:outer']}, {name: outer}]",
        "groups: [{name: devs}, {name: outer, members: ['group:inner']}, {name: inner}]",
    ):
        applied(held, text, prune=True)
        assert differing(planned(held, text, prune=True)) == {}


def test_a_built_in_role_cannot_be_written(held):
    with pytest.raises(Conflict, match=r"p\.yaml:1:9.*built in"):
        planned(held, "roles: [{name: reader, allow: ['repository:push']}]")
