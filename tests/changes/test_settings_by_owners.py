"""Contract section 5, rules 9 and 10: namespaces in the hands of their owners."""

import pytest

from authsvc.changes import reads
from authsvc.errors import Conflict, Dangling, Forbidden, NotFound

DAY = "2027-01-16T08:00:00Z"


@pytest.fixture
def filled(road):
    """`alice` owns `team` in registry a, `olga` in all, `dora` for a day."""
    for name in ("a", "b"):
        road.registry(name)
    for name in ("alice", "olga", "dora", "bob"):
        road.user(name)
    road.grant("user:alice", "owner", "team", registry="a")
    road.grant("user:olga", "owner", "team")
    road.grant("user:dora", "owner", "team", expires_at=DAY)
    return road


def spaces(road):
    with road.database.read() as session:
        return {(it["name"], it["registry"], it["visibility"]) for it in reads.namespaces(session)}


@pytest.mark.parametrize(
    ("path", "registry", "who_may"),
    [
        pytest.param("team", "a", "alice olga", id="the path in A"),
        pytest.param("team/app", "a", "alice olga", id="below in A"),
        pytest.param("team/app", None, "olga", id="below in all"),
        pytest.param("team/app", "b", "olga", id="below in B"),
        pytest.param("team-x", "a", "", id="suffix"),
        pytest.param("te_m", "a", "", id="like"),
        pytest.param("te", "a", "", id="prefix"),
        pytest.param("other/team", "a", "", id="another parent"),
    ],
)
def test_who_may_register_set_and_remove(filled, path, registry, who_may):
    for name in ("alice", "olga", "dora"):
        road = filled.as_(name)
        if name in who_may:
            road.namespace(path, registry=registry, visibility="internal")
            road.show(path, "public", registry)
            road.show(path, "private", registry)
            assert road.unregister(path, registry)["removed"]["name"] == path
        else:
            with pytest.raises(Forbidden):
                road.namespace(path, registry=registry)
    filled.namespace(path, registry=registry)
    for name in ("alice", "olga", "dora"):
        if name not in who_may:
            for edit in ("show", "unregister"):
                words = (path, "public", registry) if edit == "show" else (path, registry)
                with pytest.raises((Forbidden, NotFound)):
                    getattr(filled.as_(name), edit)(*words)
    assert spaces(filled) == {(path, registry, "private")}


def test_a_setting_has_no_end_so_it_is_not_made_by_an_owner_for_a_day(filled):
    with pytest.raises(Forbidden, match="end"):
        filled.as_("dora").namespace("team/app")


@pytest.mark.parametrize(
    ("deny", "may_open"),
    [
        pytest.param({"role": "reader", "on": "team/app"}, False, id="pull there"),
        pytest.param({"role": "reader", "on": "team/app/x"}, False, id="pull below"),
        pytest.param({"role": "reader", "on": "**"}, False, id="pull everywhere"),
        pytest.param({"role": "reader", "on": "team/*/x"}, False, id="pull by a glob"),
        pytest.param({"role": "reader", "on": "team/other"}, True, id="pull beside"),
        pytest.param({"role": "pusher", "on": "team/app"}, True, id="push there"),
    ],
)
def test_more_open_than_private_needs_pull_held_there(filled, deny, may_open):
    filled.role("pusher", "repository:push")
    filled.grant(subject="user:olga", effect="deny", **deny)
    olga = filled.as_("olga")
    olga.namespace("team/app")
    for visibility in ("internal", "public"):
        if may_open:
            olga.show("team/app", visibility)
            olga.show("team/app", "private")
            olga.namespace(f"team/app/{visibility}", visibility=visibility)
        else:
            with pytest.raises(Forbidden, match="pull"):
                olga.show("team/app", visibility)
            with pytest.raises(Forbidden, match="pull"):
                olga.namespace("team/app/x", visibility=visibility)


def test_a_private_namespace_is_no_way_to_what_lies_open_above(filled):
    """Removing it would open it: who is denied something there must leave it."""
    filled.namespace("team", visibility="public")
    filled.namespace("team/secret")
    filled.grant("user:olga", "reader", "team/secret", effect="deny")
    with pytest.raises(Forbidden):
        filled.as_("olga").unregister("team/secret")
    assert ("team/secret", None, "private") in spaces(filled)


def test_a_namespace_that_keeps_a_template_out_is_no_way_to_push(filled):
    """RB-16: `{username}` does not reach it while it is registered, and would afterwards."""
    filled.role("pusher", "repository:push")
    filled.grant("authenticated", "maintainer", "team/{username}/**")
    filled.namespace("team/bob")
    filled.grant("user:olga", "pusher", "team/bob", effect="deny")
    with pytest.raises(Forbidden, match="push"):
        filled.as_("olga").unregister("team/bob")


def test_a_removal_takes_only_what_they_could_remove_one_by_one(filled):
    """A deny of theirs below goes for nobody; nothing is changed then."""
    filled.namespace("team/app", registry="a")
    filled.namespace("team/app/x", registry="a", visibility="public")
    filled.grant("user:bob", "writer", "team/app", registry="a")
    taken = filled.grant("user:alice", "writer", "team/app/x", registry="a", effect="deny")
    before = (filled.grants(), spaces(filled))
    with pytest.raises(Forbidden):
        filled.as_("alice").unregister("team/app", "a")
    assert (filled.grants(), spaces(filled)) == before
    filled.take_back(taken)
    value = filled.as_("alice").unregister("team/app", "a")
    assert [it["name"] for it in value["namespaces"]] == ["team/app", "team/app/x"]
    assert [it["subject"] for it in value["grants"]] == ["user:local:bob"]


def test_a_removal_leaves_grants_that_only_administrators_take(filled):
    filled.role("lister", "repository:pull", "registry:catalog:*")
    filled.namespace("team/app")
    filled.grant("user:bob", "lister", "team/app")
    with pytest.raises(Forbidden, match="lister"):
        filled.as_("olga").unregister("team/app")


def test_a_deny_above_stays_when_a_namespace_goes(filled):
    taken = filled.grant("user:olga", "writer", "**", effect="deny", registry="b")
    filled.namespace("team/app", registry="a")
    filled.as_("olga").unregister("team/app", "a")
    assert taken in filled.grants()


def test_an_owner_may_leave_with_their_namespace(filled):
    filled.namespace("team", registry="a")
    filled.as_("alice").unregister("team", "a")
    with pytest.raises(NotFound):
        filled.as_("alice").namespace("team", registry="a")


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_private_and_absent_are_told_in_the_same_words(filled, who):
    """AD-21: neither that it is registered, nor where."""
    filled.namespace("secret", registry="a")
    filled.namespace("team", registry="b")
    road = filled.as_(who)
    told = []
    for name in ("secret", "absent"):
        for edit in (lambda name=name: road.show(name, "public", "a"),
                     lambda name=name: road.unregister(name, "a"),
                     lambda name=name: road.unregister(name)):  # fmt: skip
            with pytest.raises(NotFound) as refused:
                edit()
            told.append(str(refused.value).replace(name, "NAME"))
    assert told[:3] == told[3:]
    with pytest.raises(NotFound) as refused:
        road.unregister("team")
    assert "it is for" not in str(refused.value)


def test_what_is_taken_is_told_to_who_may_know(filled):
    filled.namespace("team")
    with pytest.raises(Conflict):
        filled.as_("olga").namespace("team")
    with pytest.raises(Dangling) as refused:
        filled.as_("olga").namespace("team", registry="nosuch")
    assert [place for place, _ in refused.value.faults] == ["/registry"]
