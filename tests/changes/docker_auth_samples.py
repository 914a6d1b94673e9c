"""Configurations of docker_auth that hold a little of everything, and what is asked of them."""

import json
from functools import cache

from access.world import NOW, Grant, World, a_registry, person
from changes.first_match import Asked

from authsvc.access.policy import decide
from authsvc.changes.imports.docker_auth import configuration
from authsvc.changes.imports.docker_auth.translation import translated
from authsvc.principal import ANONYMOUS
from authsvc.protocol.scope import parse

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


MATCH = {
    "account": ACCOUNTS,
    "name": NAMES,
    "type": [None] * 6 + ["repository", "registry", "*", "plugin", "re*"],
    "service": [None] * 6 + ["reg", "other", "r*", "no such"],
    "ip": [None] * 7 + ["10.0.0.0/8", "10.1.2.3", "2001:db8::5/32", "::ffff:10.0.0.0/104"],
    "labels": [None] * 9 + [{"group": "d*"}],
}
"""What each member of a match may be; None leaves it out."""


def configured(acl, *, anonymous):
    return {"users": USERS | ({"": {}} if anonymous else {}), "acl": acl}


def by_chance(chance, rules):
    """One of so many rules; `chance` is a random.Random."""
    acl = [
        {
            "match": left_out_where_none({each: chance.choice(MATCH[each]) for each in MATCH}),
            "actions": chance.choice(ACTIONS),
        }
        for _ in range(rules)
    ]
    return configured(acl, anonymous=chance.random() < 0.5)


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
