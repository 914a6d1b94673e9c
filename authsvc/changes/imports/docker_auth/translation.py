"""What becomes of each line of a docker_auth configuration. Pure."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from authsvc.changes.grants import GrantSpec
from authsvc.identity.schemes import Schemes
from authsvc.protocol import names

from . import proposals
from .configuration import Configuration, Person, Rule
from .order import ANONYMOUS
from .rules import Becomes, Rules

_HASHES = Schemes(("bcrypt",))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the configuration in few words, and what becomes of it."""

    line: int
    column: int
    text: str
    becomes: Becomes


@dataclass(frozen=True, slots=True)
class Translation:
    """`people` are the names to be made, with their hashes; `rows` are in the order of the file."""

    people: Mapping[str, str] = field(repr=False)
    rows: tuple[Row, ...]

    @property
    def grants(self) -> tuple[tuple[Row, GrantSpec], ...]:
        """Each grant once, with the row that it comes from first."""
        found = {
            spec.fingerprint: (row, spec)
            for row in reversed(self.rows)
            for spec in reversed(row.becomes.grants)
        }
        return tuple(reversed(found.values()))

    @property
    def services(self) -> tuple[str, ...]:
        """The registries that grants are for."""
        named = (spec.registry for _, spec in self.grants)
        return tuple(dict.fromkeys(name for name in named if name is not None))


def translated(configuration: Configuration, *, accept_wider: bool) -> Translation:
    """What becomes of a configuration; `accept_wider` lets a path stand for one exact name.

    Raises `Conflict` when the rules become more than MOST_GRANTS grants.
    """
    people = {one.name: one.password or "" for one in configuration.people if not _refusal(one)}
    rules = Rules(configuration, frozenset(people), accept_wider=accept_wider)
    rows = [Row(one.line, 1, f"user {one.name!r}", _person(one)) for one in configuration.people]
    rows += [
        Row(rule.line, rule.column, described(rule), rules.becomes(index))
        for index, rule in enumerate(configuration.rules)
    ]
    for member in configuration.members:
        reason, proposal = proposals.member(member)
        rows.append(Row(member.line, 1, member.name, Becomes(reason=reason, proposal=proposal)))
    return Translation(people, tuple(sorted(rows, key=lambda row: (row.line, row.column))))


def described(rule: Rule) -> str:
    """A rule in one line."""
    labels = ",".join(rule.labels) or None
    match = {
        "account": rule.account, "type": rule.type, "name": rule.name, "service": rule.service,
        "ip": rule.network, "labels": labels, "actions": ",".join(rule.actions) or "none",
    }  # fmt: skip
    return " ".join(
        f"{key}={str(value) or repr('')}" for key, value in match.items() if value is not None
    )


def _person(person: Person) -> Becomes:
    if not person.known:
        return Becomes(reason="docker_auth knows nobody by an entry that is null")
    if person.name == ANONYMOUS and person.password is None:
        return Becomes(reason="who shows no credentials is let in: the rules say to what")
    reason = _refusal(person)
    if reason:
        return Becomes(reason=reason, proposal=proposals.user(person.name))
    if person.labels:
        member = shlex.join(["authsvc", "group", "member", "add", "NAME", person.name])
        proposal = f"authsvc group add NAME, then {member}"
        return Becomes(user=person.name, reason="labels have no equal", proposal=proposal)
    return Becomes(user=person.name)


def _refusal(person: Person) -> str:
    """Why a person is not imported; '' when they are."""
    if not person.known:
        return "there is no such person"
    if person.name == ANONYMOUS:
        return "a password for who shows none has no equal"
    if person.password is None:
        return "every password is right for this user, as there is none"
    if not names.is_user_name(person.name):
        return "nobody can be called so here"
    fault = _HASHES.fault(person.password)
    return f"the password is not taken: {fault}" if fault else ""
