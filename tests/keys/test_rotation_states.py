"""States of keys, pure: over years of renewals, with and without libtrust registries."""

import pytest

from authsvc.keys.rotation import (
    KeyLife,
    State,
    listed,
    next_of,
    renewal_due,
    settle,
    state_of_new,
    superseded,
)

DAY = 86400.0
NEXT, ACTIVE, RETIRED, REVOKED = State.NEXT, State.ACTIVE, State.RETIRED, State.REVOKED


def key(kid, state=ACTIVE, created=0.0, ends=30 * DAY, last_use=None):
    return KeyLife(kid, state, created, ends, last_use)


def states(keys):
    return {life.kid: life.state for life in keys}


@pytest.mark.parametrize(
    ("keys", "pinned", "expected"),
    [
        pytest.param([key("a")], (), {"a": ACTIVE}, id="one key"),
        pytest.param(
            [key("a"), key("b", created=1)], (), {"a": RETIRED, "b": ACTIVE}, id="superseded"
        ),
        pytest.param(
            [key("a"), key("b", created=1)], ("a",), {"a": ACTIVE, "b": ACTIVE}, id="pinned stays"
        ),
        pytest.param(
            [key("a"), key("b", NEXT, created=1)], ("a",), {"a": ACTIVE, "b": NEXT}, id="published"
        ),
        pytest.param(
            [key("a"), key("b", NEXT, created=1)], ("b",), {"a": RETIRED, "b": ACTIVE},
            id="switched",
        ),
        pytest.param(
            [key("a"), key("b", NEXT, created=1), key("c", created=2)],
            ("a",),
            {"a": ACTIVE, "b": NEXT, "c": ACTIVE},
            id="a renewal leaves the published key waiting",
        ),
        pytest.param(
            [key("a"), key("b", NEXT, created=1), key("c", created=2)],
            ("b",),
            {"a": RETIRED, "b": ACTIVE, "c": ACTIVE},
            id="switching takes the published key, not the newest",
        ),
        pytest.param(
            [key("a", RETIRED, last_use=9.0), key("b", REVOKED, created=1)],
            (),
            {"a": ACTIVE, "b": REVOKED},
            id="revoking the newest brings back the one before",
        ),
        pytest.param(
            [key("a"), key("b", NEXT, created=1)], (), {"a": RETIRED, "b": ACTIVE},
            id="no libtrust registry is left to wait for",
        ),
    ],
)  # fmt: skip
def test_every_key_gets_the_state_that_the_others_give_it(keys, pinned, expected):
    assert states(settle(keys, pinned, now=DAY)) == expected


def test_settling_twice_changes_nothing():
    keys = [key("a"), key("b", NEXT, created=1), key("c", created=2)]
    once = settle(keys, ("a",), now=DAY)
    assert settle(once, ("a",), now=2 * DAY) == once


def test_a_retired_key_is_listed_until_its_last_token_has_ended():
    retired, _ = settle([key("a", ends=30 * DAY), key("b", created=1)], (), now=15 * DAY)
    assert listed(retired, 30 * DAY + 59)
    assert not listed(retired, 30 * DAY + 60)


def test_a_libtrust_key_beyond_its_certificate_is_listed_as_long_as_a_token_lives():
    retired, _ = settle([key("a", ends=DAY), key("b", created=1)], ("b",), now=100 * DAY)
    assert listed(retired, 100 * DAY + 3600 + 60)
    assert not listed(retired, 100 * DAY + 3600 + 60 + 121)


def test_a_revoked_key_is_not_listed():
    assert not listed(key("a", REVOKED), 0.0)


def test_a_second_publication_gives_up_the_first():
    keys = [key("a"), key("b", NEXT, created=1)]
    after = superseded(keys, ("a",), now=DAY)
    assert states(after) == {"a": ACTIVE, "b": RETIRED}
    assert next_of(after) is None


@pytest.mark.parametrize(
    ("by_hand", "pinned", "expected"),
    [(True, (), ACTIVE), (True, ("a",), NEXT), (False, ("a",), ACTIVE), (False, (), ACTIVE)],
)
def test_only_a_rotation_by_hand_waits_for_libtrust_registries(by_hand, pinned, expected):
    assert state_of_new(by_hand=by_hand, pinned=pinned) is expected


@pytest.mark.parametrize(
    ("left", "ca_left", "expected"),
    [
        pytest.param(None, 3000, True, id="no leaf at all"),
        pytest.param(None, -1, False, id="no leaf, and a CA that has ended"),
        pytest.param(30, 3000, False, id="new"),
        pytest.param(15.01, 3000, False, id="before half"),
        pytest.param(15, 3000, True, id="JW-21 half"),
        pytest.param(-5, 3000, True, id="ended"),
        pytest.param(10, 10, False, id="a new one would end with the CA as this one does"),
        pytest.param(5, 10, True, id="the CA still gives some days more"),
        pytest.param(90, 3000, False, id="made elsewhere to live longer"),
    ],
)
def test_a_leaf_is_renewed_at_half_of_its_life(left, ca_left, expected):
    ends = None if left is None else left * DAY
    assert renewal_due(ends, 0.0, leaf_days=30, ca_ends=ca_left * DAY) is expected


@pytest.mark.parametrize("leaf_days", [1, 7, 30, 730])
@pytest.mark.parametrize("pinned", [(), ("key-0",)])
def test_ten_years_of_renewals_keep_few_keys_listed_and_never_none_signing(leaf_days, pinned):
    life, keys, made, now = leaf_days * DAY, (), 0, 0.0
    ca_ends = 3652 * DAY
    while now < ca_ends - life:
        newest = max((k.ends for k in keys if k.kid != "key-0" or made == 1), default=None)
        if renewal_due(newest, now, leaf_days=leaf_days, ca_ends=ca_ends):
            state = state_of_new(by_hand=False, pinned=pinned)
            keys = settle((*keys, key(f"key-{made}", state, now, now + life)), pinned, now)
            made += 1
        signing = [k for k in keys if k.state is ACTIVE and k.ends - now >= life * 0.47]
        assert signing, f"nothing signs on day {now / DAY}"
        keys = tuple(k for k in keys if listed(k, now))
        assert len(keys) <= 4
        if pinned:
            assert states(keys)["key-0"] is ACTIVE
        now += life / 48
    assert made >= 3652 / leaf_days
