"""A docker_auth configuration as checked values that know their lines. Pure.

Closed where docker_auth is open: it reads a rule with `acount:` as a rule for everybody, and a user
with `passwd:` as one whom every password lets in, so an unknown member is a fault.
"""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Final

from authsvc.access.conditions import parse_network
from authsvc.access.model import Network
from authsvc.changes.faults import Faults
from authsvc.changes.policy import placed
from authsvc.changes.policy.placed import Node

OTHER_USERS: Final = frozenset(
    {
        "google_auth", "github_auth", "oidc_auth", "gitlab_auth", "ldap_auth", "mongo_auth",
        "xorm_auth", "ext_auth", "plugin_authn",
    }
)  # fmt: skip
"""Members that let in more people than `users` does."""
OTHER_RULES: Final = frozenset(
    {"acl_mongo", "acl_xorm", "ext_authz", "plugin_authz", "casbin_authz"}
)
"""Members that are asked what no rule of `acl` matches."""

MOST_USERS: Final = 100_000

_TEXTS = ("account", "type", "name", "service")
_MATCH = (*_TEXTS, "ip", "labels")
_RULE = ("match", "actions", "comment")
_USER = ("password", "labels")
_SILENT = frozenset({"token", "users", "acl"})


@dataclass(frozen=True, slots=True)
class Person:
    """An entry of `users`, under its `name`: '' is who shows no credentials.

    `known` is False for an entry that is null, by which docker_auth knows nobody. `password` None
    is none at all, so that any is right.
    """

    line: int
    name: str
    known: bool
    password: str | None = field(default=None, repr=False)
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """An entry of `acl`. What a rule leaves out, None or empty, matches whatever is asked."""

    line: int
    column: int
    account: str | None = None
    type: str | None = None
    name: str | None = None
    service: str | None = None
    network: Network | None = None
    labels: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the configuration, or of its `server`, that is neither users nor rules."""

    line: int
    name: str


@dataclass(frozen=True, slots=True)
class Configuration:
    """What there is to import, in the order of the file."""

    people: tuple[Person, ...]
    rules: tuple[Rule, ...]
    members: tuple[Member, ...]


def read(name: str, data: bytes) -> Configuration:
    """The configuration in `data`; raises `Invalid` with every fault, as FILE:LINE:COLUMN."""
    faults = Faults(name)
    root = placed.read(name, data, faults, most_members=MOST_USERS)
    faults.refuse()
    found = _Reader(name, faults).configuration(root or Node(None, 1, 1))
    faults.refuse()
    return found


class _Reader:
    """Reads the nodes of one file; what is wrong becomes a fault and is left out."""

    def __init__(self, name: str, faults: Faults) -> None:
        self._name = name
        self._faults = faults

    def configuration(self, root: Node) -> Configuration:
        held = root.value if isinstance(root.value, dict) else {}
        if not {"users", "acl"} & set(held):
            self._fault(root.at, "a docker_auth configuration has 'users' or 'acl'")
        return Configuration(
            tuple(self._people(held["users"])) if "users" in held else (),
            tuple(self._rules(held["acl"])) if "acl" in held else (),
            tuple(_members(held)),
        )

    def _people(self, node: Node) -> Iterator[Person]:
        for name, entry in self._members_of(node, "'users' is an object, by name").items():
            line = entry.named_at[0]
            if entry.value is None:
                yield Person(line, name, known=False)
                continue
            held = self._closed(entry, _USER, f"the entry of a user has {_listed(_USER)}")
            password = self._text(held.get("password"))
            yield Person(line, name, True, password, self._labels(held.get("labels")))

    def _rules(self, node: Node) -> Iterator[Rule]:
        if node.value is not None and not isinstance(node.value, list):
            self._fault(node.at, "'acl' is a list of rules")
        for entry in node.value if isinstance(node.value, list) else ():
            held = self._closed(entry, _RULE, f"a rule is an object with {_listed(_RULE)}")
            match = self._needed(entry, held, "match")
            actions = self._actions(self._needed(entry, held, "actions"))
            yield self._rule(entry, match, actions, held.get("comment"))

    def _rule(
        self, entry: Node, match: Node, actions: tuple[str, ...], comment: Node | None
    ) -> Rule:
        held = self._closed(match, _MATCH, f"'match' is an object with {_listed(_MATCH)}")
        account, type_, name, service = (self._text(held.get(member)) for member in _TEXTS)
        return Rule(
            *entry.at, account, type_, name, service,
            network=self._network(held.get("ip")),
            labels=self._labels(held.get("labels")),
            actions=actions,
            comment=self._text(comment) or "",
        )  # fmt: skip

    def _needed(self, entry: Node, held: dict[str, Node], member: str) -> Node:
        """Without either member docker_auth fails, at its start or at a request.

        Where it is missing one that holds nothing is read on, for the faults of the others.
        """
        node = held.get(member)
        if isinstance(entry.value, dict) and (node is None or node.value is None):
            self._fault(entry.at, f"a rule needs '{member}', be it empty")
        return node or Node(None, *entry.at)

    def _actions(self, node: Node) -> tuple[str, ...]:
        if node.value is not None and not isinstance(node.value, list):
            self._fault(node.at, "'actions' is a list of texts")
        texts = map(self._text, node.value if isinstance(node.value, list) else ())
        return tuple(text for text in texts if text is not None)

    def _labels(self, node: Node | None) -> tuple[str, ...]:
        return tuple(self._members_of(node, "'labels' is an object, by label")) if node else ()

    def _network(self, node: Node | None) -> Network | None:
        text = self._text(node)
        if node is None or text is None:
            return None
        try:
            return _network_of(text)
        except ValueError:
            self._fault(node.at, "'ip' is an address, or a network such as 10.0.0.0/8")
            return None

    def _text(self, node: Node | None) -> str | None:
        """A text, None for none; other values are read in more than one way, so none is taken."""
        if node is None or node.value is None:
            return None
        if not isinstance(node.value, str):
            self._fault(node.at, "this is a text: write it in quotes")
            return None
        return node.value

    def _closed(self, node: Node, known: tuple[str, ...], says: str) -> dict[str, Node]:
        held = self._members_of(node, says)
        for name, each in held.items():
            if name not in known:
                self._fault(each.named_at, _unknown(name, known))
        return held

    def _members_of(self, node: Node, says: str) -> dict[str, Node]:
        if node.value is None or isinstance(node.value, dict):
            return node.value or {}
        self._fault(node.at, says)
        return {}

    def _fault(self, at: tuple[int, int], text: str) -> None:
        self._faults.add(f"{self._name}:{at[0]}:{at[1]}", text)


def _members(held: dict[str, Node]) -> Iterator[Member]:
    for name, node in held.items():
        if name == "server":
            members = node.value if isinstance(node.value, dict) else {}
            if "real_ip_header" in members:
                yield Member(members["real_ip_header"].named_at[0], "server.real_ip_header")
        elif name not in _SILENT and node.value is not None:
            yield Member(node.named_at[0], name)


def _network_of(text: str) -> Network:
    """What Go's net.ParseIP and net.ParseCIDR read; host bits count for nothing there."""
    address, slash, length = text.partition("/")
    if "%" in address or (slash and not (length.isascii() and length.isdigit())):
        raise ValueError(text)
    return parse_network(str(ip_network(text, strict=False)))


def _unknown(word: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(word, names, 1)
    hint = f"did you mean '{near[0]}'?" if near else f"known are {_listed(names)}"
    return f"docker_auth reads no member {word[: placed.LONGEST_QUOTED]!r}: {hint}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
