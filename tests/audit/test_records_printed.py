import json

import pytest
from factories import record

from authsvc.audit.chain import ZERO, link
from authsvc.audit.records import (
    ASKED_BYTES,
    MEMBERS,
    TEXT_LENGTH,
    Event,
    Outcome,
    asked_member,
    print_body,
    time_ms,
)

PLACE = ("id", "writer", "seq", "prev", "hash")


def test_a_body_has_all_members_but_its_place_in_the_order_of_the_contract():
    members = json.loads(print_body(record()))
    assert list(members) == [name for name in MEMBERS if name not in PLACE]
    assert members["client_id"] is None


def test_a_body_is_compact_ascii_and_says_what_was_said():
    printed = print_body(
        record(
            event=Event.LOGIN,
            outcome=Outcome.REFUSED,
            time=1_767_323_045.678,
            reason="wrong password",
            claimed="jürgen\0\ud800",
            after={"b": 1, "a": [2]},
        )
    )
    assert printed.startswith(
        b'{"time":"2026-01-02T03:04:05.678Z","event":"login","outcome":"refused",'
    )
    assert rb'"claimed":"j\u00fcrgen\u0000\ud800"' in printed
    assert b'"after":{"b":1,"a":[2]}' in printed


@pytest.mark.parametrize("member", ["client_id", "user_agent", "registry", "request_id"])
def test_a_text_that_a_client_chose_is_cut(member):
    members = json.loads(print_body(record(**{member: "x" * 70_000})))
    assert members[member] == "x" * (TEXT_LENGTH - 1) + "…"
    exact = json.loads(print_body(record(**{member: "x" * TEXT_LENGTH})))
    assert exact[member] == "x" * TEXT_LENGTH


@pytest.mark.parametrize(
    "seconds", [0.0, 1.0009999999, 1_767_323_045.6789, 1_767_323_045.9999999, 1.001]
)
def test_the_time_that_is_looked_for_is_the_one_that_is_printed(seconds):
    from datetime import datetime

    printed = json.loads(print_body(record(time=seconds)))["time"]
    assert time_ms(record(time=seconds)) == round(datetime.fromisoformat(printed).timestamp() * 1e3)


def element(name, actions=2):
    refused = [{"action": f"a{n}", "reason": "no grant", "grant": None} for n in range(actions)]
    return {"entry": f"repository:{name}:pull", "refused": refused}


def test_what_was_asked_is_kept_whole_while_it_is_short():
    elements = [element("team/app"), element("team/base", 0)]
    assert asked_member(elements) == elements
    assert asked_member([]) == []


@pytest.mark.parametrize(
    "elements",
    [
        pytest.param([element(f"team/{n}") for n in range(256)], id="AU-11 many"),
        pytest.param([element("x" * 65_000)], id="AU-11 one that is huge"),
        pytest.param([element("é" * 400) for _ in range(9)], id="AU-11 escaped"),
    ],
)
def test_what_was_asked_is_bounded_and_the_rest_is_a_count_and_a_hash(elements):
    kept = asked_member(elements)
    assert len(json.dumps(kept, separators=(",", ":"))) <= ASKED_BYTES
    assert kept[:-1] == elements[: len(kept) - 1]
    assert kept[-1]["more"] == len(elements) - len(kept) + 1
    assert len(bytes.fromhex(kept[-1]["sha256"])) == 32
    changed = [*elements[:-1], element("another")]
    if len(elements) > 1:
        assert asked_member(changed)[-1] != kept[-1]


def test_a_link_depends_on_everything_and_reads_in_one_way():
    links = {
        link(ZERO, "w", 1, b"body"),
        link(bytes(31) + b"\1", "w", 1, b"body"),
        link(ZERO, "v", 1, b"body"),
        link(ZERO, "w", 2, b"body"),
        link(ZERO, "w", 1, b"bodY"),
        link(ZERO, "w1", 1, b"1\nbody"),
        link(ZERO, "w", 11, b"\nbody"),
    }
    assert len(links) == 7


def test_a_link_is_what_verifiers_of_others_were_told():
    from hashlib import sha256

    assert link(ZERO, "w", 12, b"{}") == sha256(bytes(32) + b"w\n12\n{}").digest()
