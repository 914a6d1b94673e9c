"""Imported rules and docker_auth's own answers, over random configurations and requests.

Nothing is ever wider than it was, and where the rule that decided there was taken over, the answers
are the same. `AUTHSVC_IMPORT_EXAMPLES` sets how many configurations are tried; each is asked about
some 600 requests.
"""

import json
import os
from dataclasses import replace
from functools import cache

from access.world import NOW, Grant, World, a_registry, person
from changes.first_match import Asked, first_match, granted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authsvc.access.policy import decide
from authsvc.changes.imports.docker_auth import configuration
from authsvc.changes.imports.docker_auth.translation import translated
from authsvc.principal import ANONYMOUS
from authsvc.protocol.scope import parse

EXAMPLES = int(os.environ.get("AUTHSVC_IMPORT_EXAMPLES", "250"))
HASH = "$2y$05$LO.vzwpWC5LZGqThvEfznu8qhb5SGqvBSWY1J3yZ4AxtMRZ3kN5jC"
KNOWN = {"password": HASH}
USERS = {
    "alice": {**KNOWN, "labels": {"group": ["dev"]}},
    "bob": KNOWN,
    "dev-a": KNOWN,
    "dev-b": KNOWN,
    "a/b": KNOWN,
    "Team": KNOWN,
    "guest": {},
    "nobody": None,
}
CALLERS = ("", *USERS, "zoe")

ACCOUNTS = [
    None, None, None, "", "", "alice", "bob", "dev-a", "zoe", "dev-*", "*", "*", "a*", "?ob", "?*",
    "/.+/", "/^a/", "[ab]*", "${account}", "guest",
]  # fmt: skip
NAMES = [
    None, None, "*", "*/*", "**", "team/*", "team/app", "team/a*", "*/app", "hello", "test-*",
    "${account}/*", "${account}", "x${account}", "*-${account}", "t?am/*", "/^team/", "[a-t]*/*",
    "catalog", "cat*", "Team/*", "te\\am/*", "${name}", "{username}/*",
]  # fmt: skip
ACTIONS = [["*"], ["*"], ["pull"], ["pull"], ["push", "pull"], [], [], ["push"], ["*", "pull"]]
REPOSITORIES = (
    "team/app", "team/api", "team/a/b", "hello", "hello/below", "test-1", "alice/x", "alice",
    "dev-a/x", "x", "xbob", "a/b", "a/b/c", "catalog", "Team/x", "new-bob", "other/app",
)  # fmt: skip
ADDRESSES = ("10.1.2.3", "192.0.2.1", "2001:db8::1")


def left_out_where_none(members):
    return {name: value for name, value in members.items() if value is not None}


matches = st.fixed_dictionaries(
    {
        "account": st.sampled_from(ACCOUNTS),
        "name": st.sampled_from(NAMES),
        "type": st.sampled_from([None] * 6 + ["repository", "registry", "*", "plugin", "re*"]),
        "service": st.sampled_from([None] * 6 + ["reg", "other", "r*", "no such"]),
        "ip": st.sampled_from(
            [None] * 7 + ["10.0.0.0/8", "10.1.2.3", "2001:db8::5/32", "::ffff:10.0.0.0/104"]
        ),
        "labels": st.sampled_from([None] * 9 + [{"group": "d*"}]),
    }
).map(left_out_where_none)
rules = st.fixed_dictionaries({"match": matches, "actions": st.sampled_from(ACTIONS)})
configurations = st.builds(
    lambda acl, anonymous: {"users": USERS | ({"": {}} if anonymous else {}), "acl": acl},
    st.lists(rules, min_size=1, max_size=6),
    st.booleans(),
)


def requests():
    for account in CALLERS:
        for place, name in enumerate(REPOSITORIES):
            address = ADDRESSES[place % 3]
            service = ("reg", "other")[place % 2]
            yield Asked(account, "repository", name, service, address)
            yield Asked(account, "repository", name, "reg", "10.1.2.3")
        for address in ADDRESSES:
            yield Asked(account, "registry", "catalog", "reg", address, ("*",))


def imported(found, *, accept_wider):
    data = json.dumps(found).encode()
    return translated(configuration.read("x.yml", data), accept_wider=accept_wider)


def world(translation):
    grants = [spec for _, spec in translation.grants]
    return World(
        tuple(
            Grant(spec.subject, spec.role, spec.on, spec.registry, cidrs=spec.cidrs)
            for spec in grants
        )
    )


class Answers:
    """What this service gives, by the function that decides tokens."""

    def __init__(self, policy):
        self.view = cache(lambda who: policy.view(person(who) if who else ANONYMOUS))

    def __call__(self, asked):
        found = decide(
            self.view(asked.account),
            a_registry(asked.service),
            scope(asked),
            address=asked.address,
            address_known=True,
            now=NOW,
        )
        return {action for entry in found.access for action in entry.actions}


@cache
def scope(asked):
    return parse([f"{asked.type}:{asked.name}:{','.join(asked.actions)}"])


def as_known(found, account):
    """The configuration as it would be if it knew an account: somebody who comes to it later."""
    users = found["users"]
    return (
        found
        if users.get(account) is not None or not account
        else {**found, "users": {**users, account: KNOWN}}
    )


def is_said(becomes, *, known):
    """Whether a rule was taken over whole, for an account that docker_auth knows or for another."""
    audiences = {"everyone", "authenticated"}
    return not becomes.proposal and (
        known or bool(audiences & {grant.subject for grant in becomes.grants})
    )


def at_or_above(name):
    parts = name.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(configurations)
def test_no_answer_is_wider_and_rules_taken_over_answer_the_same(found):
    translation = imported(found, accept_wider=False)
    answers = Answers(world(translation))
    rows = [row.becomes for row in translation.rows if "actions=" in row.text]
    widened = any("one to everyone" in row.reason for row in rows)
    for asked in requests():
        new = answers(asked)
        here = as_known(found, asked.account)
        old = granted(here, asked)
        # A grant for who does not sign in is one to everyone, and listed (contract section 8).
        anonymous = granted(found, replace(asked, account=""))
        assert new <= (old | anonymous if widened else old), (asked, new, old)
        number = first_match(here, asked)
        if number is not None and is_said(rows[number], known=here is found):
            assert new >= old, (asked, new, old)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(configurations)
def test_accepting_wider_paths_gives_no_more_than_what_is_above(found):
    answers = Answers(world(imported(found, accept_wider=True)))
    for asked in requests():
        above = (
            [asked]
            if asked.type == "registry"
            else [replace(asked, name=name) for name in at_or_above(asked.name)]
        )
        most = set()
        for each in above:
            most |= granted(as_known(found, asked.account), each)
            most |= granted(found, replace(each, account=""))
        new = answers(asked)
        assert new <= most, (asked, new, most)
