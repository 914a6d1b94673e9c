"""A group has at most 10,000 direct members, whichever way they come (contract section 8)."""

import pytest
from changes.policies import applied, planned

from authsvc.changes import groups
from authsvc.changes.groups import MOST_MEMBERS
from authsvc.errors import Conflict
from authsvc.protocol.names import parse_member

BEYOND = "at most 10,000 members, and this one would have 10,001"


@pytest.fixture
def full(road):
    """A group with as many members as there may be."""
    members = ", ".join(f"'corp:p{number}'" for number in range(MOST_MEMBERS))
    applied(road, f"groups: [{{name: devs, members: [{members}]}}]")
    return road


def put(road, *members):
    refs = tuple(map(parse_member, members))
    return road.run(lambda tx: groups.add_members(tx, "devs", refs))


def test_one_more_member_is_refused_on_every_way(full):
    with pytest.raises(Conflict, match=BEYOND):
        put(full, "corp:more")
    text = "groups: [{name: devs, members: ['corp:more']}]"
    for attempt in (planned, applied):
        with pytest.raises(Conflict, match=f"p.yaml:1:10: .*{BEYOND}"):
            attempt(full, text)


def test_who_is_in_it_already_may_be_named_again(full):
    assert len(put(full, "corp:p0", "corp:p1")["members"]) == MOST_MEMBERS
    applied(full, "groups: [{name: devs, members: ['corp:p0']}]")


def test_others_take_their_place(full):
    plan = applied(full, "groups: [{name: devs, members: ['corp:more']}]", prune=True)
    assert plan["changed"]["groups"][0]["after"]["members"] == ["user:corp:more"]
    assert len(put(full, "corp:one")["members"]) == 2
