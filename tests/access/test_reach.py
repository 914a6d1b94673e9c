"""What somebody reaches: it says of every name what a token would hold."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest
from access import oracle
from access.test_engine_and_oracle import EXAMPLES, addresses, situations
from access.world import ALICE, CI, NOBODY, NOW, Grant, World, a_registry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authsvc.access.reach import CatalogRight, catalogs, reach
from authsvc.protocol.access import Access, Asked


def covers(item, name: str) -> bool:
    if "*" in item["on"] or item["exact"]:
        return oracle.glob(item["on"], name)
    return item["on"] in oracle.at_or_above(name)


def applies(item, registry, name, action, address, *, allow):
    """Whether an item of a reach, or an exception in one, is about this request."""
    inside = not item["cidrs"] or (
        not allow
        if address is None
        else any(ip_address(address) in ip_network(cidr) for cidr in item["cidrs"])
    )
    here = item["registry"] in (None, registry)
    return here and inside and action in item["actions"] and covers(item, name)


@settings(max_examples=EXAMPLES // 2, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    situation=situations(), address=addresses,
    registry=st.sampled_from(["reg", "other"]), read_only=st.booleans(),
)  # fmt: skip
def test_a_reach_says_of_every_name_what_is_granted(situation, address, registry, read_only):
    world, principal, names = situation
    here = a_registry(registry, read_only=read_only)
    view = world.view(principal)
    base = replace(view.base, registries={**view.base.registries, registry: here})
    found = reach(replace(view, base=base), NOW)
    for name in names:
        asked = Asked((Access("repository", name, ("pull", "push", "delete")),))
        decision = world.decide(
            principal, asked, here, address=address or "", known=address is not None, now=NOW
        )
        assert set(decision.verdicts[0].granted) == {
            action
            for action in ("pull", "push", "delete")
            for item in found
            if applies(item, registry, name, action, address, allow=True)
            and not any(
                applies(exception, registry, name, action, address, allow=False)
                for exception in item["except"]
            )
        }


def item(on, *actions, **more):
    return {"on": on, "registry": None, "actions": sorted(actions), "expires_at": None,
            "cidrs": [], "exact": False, "except": [], **more}  # fmt: skip


def less(on, *actions, **more):
    left = item(on, *actions, **more)
    del left["except"]
    return left


A, E = "user:local:alice", "everyone"


@pytest.mark.parametrize(
    ("grants", "namespaces", "expected"),
    [
        pytest.param([], [], [], id="nothing"),
        pytest.param([Grant(A, "reader", "team"), Grant(E, "writer", "team")], [],
                     [item("team", "pull", "push")], id="roles at one place are told together"),
        pytest.param([Grant(A, "reader", "team", expires=NOW),
                      Grant(A, "writer", "x", expires=NOW + 1.5, cidrs=("10.0.0.0/8",))], [],
                     [item("x", "pull", "push", expires_at="2027-01-15T08:00:01.500000Z",
                           cidrs=["10.0.0.0/8"])], id="conditions; the ended is left out"),
        pytest.param([Grant(A, "maintainer", "team/app"),
                      Grant(E, "writer", "team", effect="deny")], [],
                     [item("team/app", "delete")], id="a deny of the whole"),
        pytest.param([Grant(A, "maintainer", "team/*"), Grant(E, "admin", effect="deny")],
                     [], [], id="a deny of everything"),
        pytest.param([Grant(A, "writer", "team"), Grant(E, "reader", "team/attic", effect="deny"),
                      Grant(E, "reader", "team-x", effect="deny"),
                      Grant(E, "cleaner", "team/a", effect="deny")],
                     [], [item("team", "pull", "push", **{"except": [less("team/attic", "pull")]})],
                     id="a deny of a part; denies of other places and actions are not told"),
        pytest.param([Grant(A, "writer", "team"),
                      Grant(E, "writer", "team", effect="deny", registry="reg"),
                      Grant(E, "writer", "team", effect="deny", cidrs=("10.0.0.0/8",))],
                     [], [item("team", "pull", "push", **{"except": [
                         less("team", "pull", "push", registry="reg"),
                         less("team", "pull", "push", cidrs=["10.0.0.0/8"])]})],
                     id="denies at one registry and from some addresses"),
        pytest.param([Grant("authenticated", "writer", "home/{username}/**")],
                     [("home/alice/x", None, "private")],
                     [item("home/alice/**", "pull", "push",
                           **{"except": [less("home/alice/x", "pull", "push")]})],
                     id="a template filled in, and a namespace of others"),
        pytest.param([Grant("authenticated", "writer", "home/{username}")], [],
                     [item("home/alice", "pull", "push", exact=True)], id="that very repository"),
        pytest.param([Grant("authenticated", "writer", "home/{username}/**")],
                     [("home/alice", None, "private")], [], id="the namespace is of others"),
        pytest.param([], [("a", None, "public"), ("a/b", None, "private"),
                          ("a/c", None, "internal"), ("a-x", None, "private"),
                          ("d", "reg", "internal")],
                     [item("a", "pull", **{"except": [less("a/b", "pull")]}),
                      item("a/c", "pull"), item("d", "pull", registry="reg")],
                     id="what is open, but for what is not"),
    ],
)  # fmt: skip
def test_what_alice_reaches(grants, namespaces, expected):
    world = World(tuple(grants), tuple(namespaces), roles={"cleaner": frozenset({"delete"})})
    assert reach(world.view(ALICE), NOW) == expected


def test_strangers_and_robots_reach_what_is_public():
    world = World(namespaces=(("a", None, "public"), ("b", None, "internal")))
    for principal in (NOBODY, CI):
        assert reach(world.view(principal), NOW) == [item("a", "pull")]


def test_registries_without_writes_or_tokens_are_exceptions():
    view = World((Grant(A, "writer"), Grant(A, "reader", "x", registry="other"))).view(ALICE)
    still, off = a_registry("reg", read_only=True), replace(a_registry("other"), enabled=False)
    view = replace(view, base=replace(view.base, registries={"reg": still, "other": off}))
    assert reach(view, NOW) == [
        item("**", "pull", "push", **{"except": [
            less("**", "push", registry="reg"), less("**", "pull", "push", registry="other")
        ]})
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("grants", "principal", "expected"),
    [
        pytest.param([Grant(E, "catalog-reader", registry="reg")], ALICE,
                     [CatalogRight("reg", None, ())], id="of one registry"),
        pytest.param([Grant(E, "catalog-reader")], CI, [], id="never a robot"),
        pytest.param([Grant(A, "admin", expires=NOW + 1)], ALICE,
                     [CatalogRight(None, NOW + 1, ())], id="for a while"),
        pytest.param([Grant(A, "admin"), Grant(E, "catalog-reader", effect="deny")], ALICE, [],
                     id="denied"),
        pytest.param([Grant(A, "writer")], ALICE, [], id="no right"),
    ],
)  # fmt: skip
def test_catalogs(grants, principal, expected):
    assert catalogs(World(tuple(grants)).view(principal), NOW) == expected
