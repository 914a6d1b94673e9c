"""Identity is the entry, not the name: bound at first sign-in, followed, retired (LD-14)."""

import pytest

from authsvc.changes import groups, people, reads
from authsvc.db.models import Membership, Subject
from authsvc.principal import Kind, Principal


def entry(name, id_):
    return Principal(Kind.USER, "corp", name, id_)


ALICE = entry("alice", "id-1")


@pytest.fixture
def corp(road):
    """The grants of a directory's person, after they have signed in under some name."""

    class Corp:
        def signs_in(self, who):
            return road.run(lambda tx: people.settle(tx, who))

        def grants(self):
            return [(item["subject"], item["role"], item["on"]) for item in road.grants()]

        def people(self):
            with road.database.read() as session:
                rows = session.query(Subject).filter_by(kind="user", source="corp")
                return {row.name: (row.external_id, row.retired) for row in rows}

    return Corp()


def test_who_is_granted_nothing_leaves_no_row(corp):
    corp.signs_in(ALICE)
    assert corp.people() == {}


def test_a_grant_to_a_name_binds_to_the_entry_that_first_signs_in_under_it(road, corp):
    road.grant("user:corp:alice", "writer", "team")
    corp.signs_in(ALICE)
    assert corp.people() == {"alice": ("id-1", False)}
    assert "subject:user:corp:alice" in road.topics()
    records = len(road.records())
    corp.signs_in(ALICE)
    assert len(road.records()) == records


def test_a_name_that_belongs_to_another_entry_now_begins_with_nothing(road, corp):
    road.grant("user:corp:alice", "writer", "team")
    corp.signs_in(ALICE)
    corp.signs_in(entry("alice", "id-2"))
    (old,) = corp.people()
    assert corp.people()[old] == ("id-1", True)
    assert corp.grants() == [(f"user:corp:{old}", "writer", "team")]
    assert {"name:alice", "subject:user:corp:alice"} <= set(road.topics())
    assert road.records()[-1]["event"] == "admin"
    # The same grant to the newcomer is a grant of its own.
    road.grant("user:corp:alice", "writer", "team")
    assert len(corp.grants()) == 2


def test_an_old_identity_that_comes_back_under_another_name_has_what_it_had(road, corp):
    road.grant("user:corp:alice", "writer", "team")
    corp.signs_in(ALICE)
    corp.signs_in(entry("alice", "id-2"))
    corp.signs_in(entry("alicia", "id-1"))
    assert corp.people() == {"alicia": ("id-1", False)}
    assert corp.grants() == [("user:corp:alicia", "writer", "team")]


def test_a_renamed_person_keeps_everything_and_both_names_are_news(road, corp):
    road.group("devs", "corp:alice")
    road.grant("user:corp:alice", "writer", "team")
    corp.signs_in(ALICE)
    corp.signs_in(entry("alicia", "id-1"))
    assert corp.grants() == [("user:corp:alicia", "writer", "team")]
    assert {"name:alice", "name:alicia"} <= set(road.topics())
    with road.database.read() as session:
        assert reads.groups(session)[0]["members"] == ["user:corp:alicia"]
    again = road.grant("user:corp:alicia", "writer", "team")
    assert len(corp.grants()) == 1
    assert again["subject"] == "user:corp:alicia"


def test_what_was_granted_to_the_new_name_beforehand_is_theirs_too(road, corp):
    road.group("devs", "corp:alicia")
    road.grant("user:corp:alice", "writer", "team")
    corp.signs_in(ALICE)
    road.grant("user:corp:alicia", "reader", "docs")
    road.grant("user:corp:alicia", "writer", "team")
    corp.signs_in(entry("alicia", "id-1"))
    assert corp.people() == {"alicia": ("id-1", False)}
    assert sorted(corp.grants()) == [
        ("user:corp:alicia", "reader", "docs"), ("user:corp:alicia", "writer", "team"),
    ]  # fmt: skip
    with road.database.read() as session:
        assert session.query(Membership).count() == 1


def test_a_renamed_person_takes_the_name_of_another_who_is_retired(road, corp):
    road.grant("user:corp:alice", "writer", "team")
    road.grant("user:corp:bob", "reader", "docs")
    corp.signs_in(ALICE)
    corp.signs_in(entry("bob", "id-2"))
    corp.signs_in(entry("bob", "id-1"))
    found = corp.people()
    assert found["bob"] == ("id-1", False)
    assert [held for name, held in found.items() if name != "bob"] == [("id-2", True)]


def test_a_name_of_another_source_is_nobody_here(road, corp):
    road.user("alice")
    road.grant("user:alice", "writer", "team")
    corp.signs_in(ALICE)
    assert corp.grants() == [("user:local:alice", "writer", "team")]
    assert corp.people() == {}


def test_members_of_groups_may_be_bound_as_well(road, corp):
    road.group("devs", "corp:alice")
    corp.signs_in(ALICE)
    assert corp.people() == {"alice": ("id-1", False)}
    road.run(lambda tx: groups.remove(tx, "devs"))
