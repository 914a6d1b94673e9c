"""Random policies as they may be stored, with names that no reader of YAML should take for others.

A store is a mapping of kinds to entries, in the form of contract section 4.
"""

from contextlib import contextmanager, suppress
from dataclasses import dataclass

from hypothesis import strategies as st

from authsvc.audit import changes as log
from authsvc.changes import grants, groups, namespaces, registries, robots, roles, users
from authsvc.changes.spec import checked
from authsvc.changes.unit_of_work import Transaction
from authsvc.clock import utc
from authsvc.errors import Conflict, Dangling, Invalid
from authsvc.principal import SYSTEM
from authsvc.protocol.names import is_service, is_user_name

NOW = 1_800_000_000.0
SOURCES = frozenset({"local", "file", "corp"})
BUILT_IN = ["reader", "writer", "maintainer", "owner"]
OF_ROBOTS = ["reader", "writer", "maintainer"]
EVERYWHERE = ["admin", "auditor", "catalog-reader"]
ENDS = [None, None, "2027-12-31T00:00:00Z", "2030-02-03T04:05:06.789Z", "9000-01-01T00:00:00Z"]
ALLOWED = [
    ["repository:pull"], ["repository:pull,push"], ["registry:catalog:*"],
    ["repository:delete", "registry:catalog:*"],
]  # fmt: skip

AWKWARD = [
    "on", "NO", "null", "Null", "~", "true", "08", "0o17", "0x1f", "1e5", ".5", "-1", "1_000",
    "2026-01-01", "12.30.45", "#x", "a #b", "a, b", "it's", 'say "hi"', "- x", "*x", "&x", "!x",
    "%x", "@x", "`x`", "[x]", "{x}", "<<", "=", "?", "? x", "|", ">", "\\", "\\n", "\\u0041",
    "a  b", "é", "e\u0301", "Ünïcödé", "名前", "שלום", "🙂", "y", "N", "nan", ".inf", "---", "...",
]  # fmt: skip
REMARKS = [
    "", "why: because", "# no comment", "two\nlines", "tab\there", "\x85\u2028\ufeff\x7f\x1b[31m",
    " blanks around ", "'", '"', "\\", "ends with colon:", "- a", "null", "\U0010ffff", "\r\n",
]  # fmt: skip

PRINTABLE = st.characters(categories=["L", "M", "N", "P", "S"], exclude_characters=":")


@dataclass(frozen=True)
class Words:
    """What names are made of. `paths` are places of grants and names of namespaces."""

    names: st.SearchStrategy
    robots: st.SearchStrategy
    services: st.SearchStrategy
    paths: st.SearchStrategy
    globs: st.SearchStrategy
    roles: st.SearchStrategy
    remarks: st.SearchStrategy


FEW = Words(
    names=st.sampled_from(["alice", "bob", "devs", "ops"]),
    robots=st.sampled_from(["alice", "ci"]),
    services=st.sampled_from(["a", "b"]),
    paths=st.sampled_from(["team", "team/a", "team/a/x", "team-x", "alice", "users/alice"]),
    globs=st.sampled_from(["**", "team/*", "team/**", "te*", "users/{username}/**", "*/a"]),
    roles=st.sampled_from(["pusher", "lister"]),
    remarks=st.sampled_from(["", "why", "why else"]),
)
ANY = Words(
    names=st.sampled_from([each for each in AWKWARD if is_user_name(each)])
    | st.text(PRINTABLE, min_size=1, max_size=8).filter(is_user_name),
    robots=st.sampled_from(["on", "no", "null", "08", "1e5", "0x1f", "1.5", "2026-01-01", "a_b"]),
    services=st.sampled_from([each for each in AWKWARD if is_service(each)] + ["[::1]:5000", "x:1"])
    | st.text(
        st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\"',"),
        min_size=1,
        max_size=8,
    ),
    paths=st.sampled_from(
        ["on", "null", "08", "1e5", "0x1f", "2026-01-01", "1.5", "team", "team/08", "team/on/1e5"]
    ),
    globs=st.sampled_from(["**", "*", "*/08", "null/*", "08/**", "{username}/**", "on/{username}"]),
    roles=st.sampled_from(["on", "null", "08", "1e5", "no", "y", "0x1f", "a-b", "1.5"]),
    remarks=st.sampled_from(REMARKS)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
)


def optional(words):
    return st.none() | words.services


def named(words):
    """People and groups of this service and of others."""
    kinds = st.sampled_from(["user:local", "group", "user:file", "group:corp"])
    return st.builds("{}:{}".format, kinds, words.names)


def subjects(words):
    return named(words) | st.sampled_from(["everyone", "authenticated"])


def grants_of(words):
    placed = placed_for(words, subjects(words), st.sampled_from(BUILT_IN) | words.roles)
    machines = st.builds("robot:{}".format, words.robots)
    robots = placed_for(words, machines, st.sampled_from(OF_ROBOTS) | words.roles)
    everywhere = st.fixed_dictionaries(
        {"subject": subjects(words), "role": st.sampled_from(EVERYWHERE), "reason": words.remarks}
    )
    return placed | placed | placed | robots | everywhere


def placed_for(words, subjects, roles):
    return st.fixed_dictionaries(
        {
            "subject": subjects,
            "role": roles,
            "on": words.paths | words.globs,
            "registry": optional(words),
            "effect": st.sampled_from(["allow", "allow", "deny"]),
            "expires_at": st.sampled_from(ENDS),
            "cidrs": st.sampled_from([[], [], ["10.0.0.0/8"], ["192.0.2.0/24", "2001:db8::/32"]]),
            "reason": words.remarks,
        }
    )


def robots_of(words):
    return st.fixed_dictionaries(
        {
            "name": words.robots,
            "namespace": words.paths,
            "role": st.sampled_from(OF_ROBOTS) | words.roles,
            "registry": optional(words),
            "enabled": st.booleans(),
            "expires_at": st.sampled_from(ENDS),
            "cidrs": st.sampled_from([[], [], ["10.0.0.0/8"]]),
        }
    )


def stores(words, most=6):
    """Stores and documents alike; what they refer to need not be there."""
    registry = st.fixed_dictionaries(
        {
            "name": words.services,
            "enabled": st.booleans(),
            "read_only": st.booleans(),
            "ttl": st.sampled_from([None, 60, 3600]),
            "refresh_tokens": st.booleans(),
        }
    )
    members = st.lists(named(words), max_size=4)
    return st.fixed_dictionaries(
        {
            "registries": unique(registry, most // 2 + 1, "name"),
            "roles": unique(
                st.fixed_dictionaries({"name": words.roles, "allow": st.sampled_from(ALLOWED)}),
                most // 2 + 1, "name",
            ),
            "groups": unique(
                st.fixed_dictionaries({"name": words.names, "members": members}),
                most // 2 + 1, "name",
            ),
            "namespaces": unique(
                st.fixed_dictionaries(
                    {
                        "name": words.paths,
                        "registry": optional(words),
                        "visibility": st.sampled_from(["private", "internal", "public"]),
                    }
                ),
                most, "name", "registry",
            ),
            "grants": st.sampled_from([0, 2, most]).flatmap(
                lambda least: st.lists(grants_of(words), min_size=least, max_size=most)
            ),
            "robots": unique(robots_of(words), most // 2 + 1, "name"),
        }
    )  # fmt: skip


def unique(entries, most, *key):
    return st.sampled_from([0, 1, 2]).flatmap(
        lambda least: st.lists(
            entries,
            min_size=least,
            max_size=most,
            unique_by=lambda each: tuple(each[word] for word in key),
        )
    )


class RolledBack(Exception):
    """The end of an example: nothing of it stays."""


@contextmanager
def stage(database):
    """A transaction of which nothing stays."""
    with suppress(RolledBack), database.write() as session:
        yield Transaction(session, utc(NOW), log.lock_head(session), SYSTEM, SOURCES)
        raise RolledBack


def fill(tx, store, people=()):
    """Store what the store says by the edits that commands make; what a rule refuses is left out.

    Whom and what it names without making it is made too, and so are `people`.
    """
    for name in sorted(named_by(store, "user:local:").union(people)):
        users.add(tx, name, "h", enabled=True)
    for add, spec, members in edits(store):
        with suppress(Conflict, Dangling, Invalid), tx.session.begin_nested():
            add(tx, checked(spec, members))


def named_by(store, prefix):
    """The subjects of a kind that are named, without the prefix that tells the kind."""
    texts = [text for each in store["groups"] for text in each["members"]]
    texts += [each["subject"] for each in store["grants"]]
    return {text.removeprefix(prefix) for text in texts if text.startswith(prefix)}


def closed(store):
    """The same with all registries, roles and groups that it names."""
    placed = [*store["namespaces"], *store["grants"], *store["robots"]]
    used = {
        "registries": {each.get("registry") for each in placed} - {None},
        "roles": {each["role"] for each in [*store["grants"], *store["robots"]]}
        - {*BUILT_IN, *EVERYWHERE},
        "groups": {name for name in named_by(store, "group:") if ":" not in name},
        "robots": named_by(store, "robot:"),
    }
    more = {
        "roles": {"allow": ["repository:pull"]},
        "robots": {"namespace": "made", "role": "reader"},
    }
    found = dict(store)
    for kind, names in used.items():
        missing = names - {each["name"] for each in store[kind]}
        new = [{"name": name, **more.get(kind, {})} for name in sorted(missing)]
        found[kind] = [*store[kind], *new]
    return found


def edits(store):
    """Each comes after all that it names; a group first without members."""
    whole = closed(store)
    for each in whole["registries"]:
        yield registries.add, registries.RegistrySpec, each
    for each in whole["roles"]:
        yield roles.add, roles.RoleSpec, each
    for each in whole["groups"]:
        yield groups.add, groups.GroupSpec, {"name": each["name"]}
    for each in store["groups"]:
        yield join, groups.GroupSpec, each
    for each in store["namespaces"]:
        yield namespaces.add, namespaces.NamespaceSpec, each
    for each in whole["robots"]:
        yield with_secret, robots.RobotSpec, each
    for each in store["grants"]:
        yield grants.add, grants.GrantSpec, each


def with_secret(tx, spec):
    return robots.add(tx, spec, spec.name.encode())


def join(tx, spec):
    return groups.set_members(tx, spec.name, spec.members)
