"""The slow, obvious oracle: contract section 5 read aloud over plain lists, sentence by sentence.

It knows nothing of the engine: no index, no tree, no compiled rule, its own globs and its own
roles. It says what is granted, and for what is not every reason that would be right.
"""

from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address, ip_network

from access.world import Grant, World

ROLES = {
    "reader": {"pull"},
    "writer": {"pull", "push"},
    "maintainer": {"pull", "push", "delete"},
    "owner": {"pull", "push", "delete"},
    "catalog-reader": {"catalog"},
    "auditor": set(),
    "admin": {"pull", "push", "delete", "catalog"},
}


@dataclass(frozen=True)
class Question:
    """One action on one repository, or `catalog` on ''."""

    kind: str  # user, robot, anonymous
    source: str
    caller: str
    groups: tuple[str, ...]
    registry: str
    read_only: bool
    name: str
    action: str
    address: str | None  # None: unknown
    now: float


def allowed(world: World, question: Question) -> bool:
    """Whether the action is granted."""
    if any(takes(world, grant, question) for grant in world.grants):
        return False  # rule 5: deny beats allow, everywhere
    if question.read_only and question.action in ("push", "delete"):
        return False  # rule 8
    if question.action == "catalog" and question.kind == "robot":
        return False  # rule 7: robots hold repository actions only
    if any(gives(world, grant, question) for grant in world.grants):
        return True
    return question.action == "pull" and visible(world, question)


def reasons(world: World, question: Question) -> set[tuple[str, int | None]]:
    """Every (reason, grant) that explains why an action is not granted."""
    if question.action == "catalog" and question.kind == "robot":
        return {("not_for_robots", None)}
    denies = {grant.id for grant in world.grants if takes(world, grant, question)}
    if denies:
        return {("denied", number) for number in denies}
    writable = Question(**{**vars(question), "read_only": False})
    if allowed(world, writable):
        return {("read_only", None)}
    missed = {
        (why, grant.id)
        for grant in world.grants
        if grant.effect == "allow" and concerns(world, grant, question)
        for why in [why_not(world, grant, question)]
        if why
    }
    return missed or {("no_grant", None)}


def takes(world: World, grant: Grant, question: Question) -> bool:
    return (
        grant.effect == "deny"
        and concerns(world, grant, question)
        and why_not(world, grant, question) is None
    )


def gives(world: World, grant: Grant, question: Question) -> bool:
    return (
        grant.effect == "allow"
        and concerns(world, grant, question)
        and why_not(world, grant, question) is None
    )


def concerns(world: World, grant: Grant, question: Question) -> bool:
    """Whether the grant is about this caller, registry, name and action at all."""
    return (
        grant.subject in subjects(world, question)
        and grant.registry in (None, question.registry)
        and question.action in (world.roles.get(grant.role) or ROLES[grant.role])
        and covers(grant, question)
    )


def subjects(world: World, question: Question) -> set[str]:
    """Who the caller is: itself, its groups and theirs, and the two audiences."""
    if question.kind == "anonymous":
        return {"everyone"}
    if question.kind == "robot":
        return {"everyone", f"robot:{question.caller}"}  # rule 7
    found = {f"user:{question.source}:{question.caller}", *question.groups}
    while True:
        more = {group for group, member in world.members if member in found} - found
        if not more:
            return found | {"everyone", "authenticated"}
        found |= more


def covers(grant: Grant, question: Question) -> bool:
    if question.action == "catalog":
        return grant.on == "**"  # rule 3: the only place of the catalog right
    if "*" not in grant.on and "{" not in grant.on:
        return question.name == grant.on or question.name.startswith(grant.on + "/")  # rule 2
    if "{username}" not in grant.on:
        return glob(grant.on, question.name)
    if question.kind != "user" or not is_component(question.caller):
        return False  # rule 4
    return glob(grant.on.replace("{username}", question.caller), question.name)


def why_not(world: World, grant: Grant, question: Question) -> str | None:
    """Why a grant that concerns the question does not count; None when it does."""
    allow = grant.effect == "allow"
    if grant.expires is not None and grant.expires <= question.now:
        return "expired"
    if grant.cidrs and question.address is None and allow:
        return "address_unknown"  # rule 11: outside every CIDR of an allow
    if grant.cidrs and question.address is not None:
        address = ip_address(question.address)
        if not any(address in ip_network(cidr) for cidr in grant.cidrs):
            return "outside_networks"
    if allow and "{username}" in grant.on and of_others(world, grant, question):
        return "namespace_of_others"
    return None


def of_others(world: World, grant: Grant, question: Question) -> bool:
    """Rule 4: whether the nearest registered namespace is the filled-in path or lies below it.

    Where the name is a part of its path component, the component counts as a path as well.
    """
    namespace = nearest(world, question)
    if namespace is None:
        return False
    before, _, after = grant.on.partition("{username}")
    path = before + question.caller
    component = path + after.replace("{username}", question.caller).split("/")[0]
    inside = any(
        glob(text, above) for text in (path, component) for above in at_or_above(namespace[0])
    )
    return inside and not owns(world, namespace[0], question)


def owns(world: World, namespace: str, question: Question) -> bool:
    """Rule 9: an allow of `owner` on a plain path without CIDRs, for that registry or all."""
    return any(
        grant.effect == "allow"
        and grant.role == "owner"
        and grant.subject in subjects(world, question)
        and grant.registry in (None, question.registry)
        and "*" not in grant.on
        and "{" not in grant.on
        and grant.on in at_or_above(namespace)
        and not grant.cidrs
        and (grant.expires is None or grant.expires > question.now)
        for grant in world.grants
    )


def visible(world: World, question: Question) -> bool:
    found = nearest(world, question)
    if found is None:
        return False
    return found[1] == "public" or (found[1] == "internal" and question.kind == "user")


def nearest(world: World, question: Question) -> tuple[str, str] | None:
    """Rule 6: the nearest registered namespace, one for this registry before one for all."""
    for path in at_or_above(question.name):
        for registry in (question.registry, None):
            for registered, where, visibility in world.namespaces:
                if registered == path and where == registry:
                    return path, visibility
    return None


def at_or_above(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:end]) for end in range(len(parts), 0, -1)]


def is_component(name: str) -> bool:
    """One path component of the distribution grammar, as far as tests use names."""
    return name.isascii() and name.replace("-", "").isalnum() and name == name.lower().strip("-")


@cache
def glob(pattern: str, text: str) -> bool:
    if pattern.startswith("**"):
        return any(glob(pattern[2:], text[end:]) for end in range(len(text) + 1))
    if pattern.startswith("*"):
        ends = range(text.find("/") + 1 if "/" in text else len(text) + 1)
        return any(glob(pattern[1:], text[end:]) for end in ends)
    if not pattern or not text:
        return pattern == text
    return pattern[0] == text[0] and glob(pattern[1:], text[1:])
