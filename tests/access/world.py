"""A policy as plain lists, as one would write it down, and the engine's values made from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from authsvc.access.compiler import audience, compile_rules, groups_of, view_of
from authsvc.access.conditions import parse_network
from authsvc.access.model import (
    Decision,
    PolicyBase,
    Registry,
    Role,
    Rule,
    View,
    Visibility,
    When,
)
from authsvc.access.policy import decide
from authsvc.access.roles import BUILT_IN
from authsvc.principal import ANONYMOUS, Kind, Principal
from authsvc.protocol.access import Access, Asked
from authsvc.protocol.scope import parse

NOW = 1_800_000_000.0


@dataclass(frozen=True)
class Grant:
    """As contract section 4 lists the members; `expires` in seconds since the epoch."""

    subject: str
    role: str
    on: str = "**"
    registry: str | None = None
    effect: str = "allow"
    expires: float | None = None
    cidrs: tuple[str, ...] = ()
    id: int = 0


@dataclass(frozen=True)
class World:
    """`namespaces`: (path, registry or None, visibility). `members`: (group, member)."""

    grants: tuple[Grant, ...] = ()
    namespaces: tuple[tuple[str, str | None, str], ...] = ()
    members: tuple[tuple[str, str], ...] = ()
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def base(self) -> PolicyBase:
        visibility: dict[str, dict[str | None, Visibility]] = {}
        for path, registry, seen in self.namespaces:
            visibility.setdefault(path, {})[registry] = Visibility(seen)
        custom = {
            name: Role(name, frozenset(allow - {"catalog"}), catalog="catalog" in allow)
            for name, allow in self.roles.items()
        }
        nested = {m: self.groups(m) for _, m in self.members if m.startswith("group:")}
        registries = {name: a_registry(name) for name in ("reg", "other")}
        return PolicyBase(1, registries, {**custom, **BUILT_IN}, visibility, nested)

    def groups(self, member: str) -> tuple[str, ...]:
        return tuple(group for group, inside in self.members if inside == member)

    def rules(self, subject: str):
        rules = [
            Rule(
                grant=grant.id or place,
                role=grant.role,
                allow=grant.effect == "allow",
                registry=grant.registry,
                pattern=grant.on,
                subject=subject,
                when=When(grant.expires, tuple(map(parse_network, grant.cidrs)))
                if grant.expires is not None or grant.cidrs
                else None,
            )
            for place, grant in enumerate(self.grants, 1)
            if grant.subject == subject
        ]
        return compile_rules(subject, 1, rules, self.groups(subject))

    def view(self, principal: Principal) -> View:
        base = self.base()
        direct = self.groups(principal.subject)
        subjects = (*audience(principal), *groups_of(principal, direct, base))
        return view_of(base, principal, [self.rules(subject) for subject in subjects])

    def ask(
        self,
        principal: Principal,
        *scopes: str,
        registry: Registry | None = None,
        address: str = "198.51.100.7",
        known: bool = True,
        now: float = NOW,
    ) -> Decision:
        asked = parse(scopes)
        assert not asked.junk
        return self.decide(principal, asked, registry, address=address, known=known, now=now)

    def decide(self, principal, asked: Asked, registry=None, *, address, known, now) -> Decision:
        return decide(
            self.view(principal),
            registry or a_registry("reg"),
            asked,
            address=address,
            address_known=known,
            now=now,
        )


def a_registry(name: str, *, read_only: bool = False) -> Registry:
    return Registry(name, True, read_only, None, "x5c", False)


def person(name: str, source: str = "local", groups: tuple[str, ...] = ()) -> Principal:
    return Principal(Kind.USER, source, name, f"id-{source}-{name}", groups)


def robot(name: str) -> Principal:
    return Principal(Kind.ROBOT, "", name, f"id-{name}")


def given(decision: Decision) -> list[str]:
    """What was granted, as scopes."""
    return [entry.scope for entry in decision.access]


def refused(decision: Decision) -> list[tuple[str, str, int | None]]:
    return [
        (refusal.action, refusal.reason.value, refusal.grant)
        for verdict in decision.verdicts
        for refusal in verdict.refused
    ]


NOBODY = ANONYMOUS
ALICE = person("alice")
BOB = person("bob")
CI = robot("ci")

__all__ = [
    "ALICE", "BOB", "CI", "NOBODY", "NOW", "Access", "Grant", "World", "a_registry", "given",
    "person", "refused", "robot",
]  # fmt: skip
