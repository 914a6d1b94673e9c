"""The people and groups of the tests' Active Directory domain."""

import uuid
from dataclasses import dataclass

from real.samba import GROUPS, PEOPLE, SUFFIX, Samba, quoted
from real.slapd import entry, escaped

READERS_PASSWORD = "The reader's 0wn secret"
READER = "reader@ad.test"
READERS_NAMES = (READER, "ADTEST\\reader", f"CN=reader,{SUFFIX}")
GUESSES = 3  # wrong passwords that lock an account, for 30 minutes
COMMON_NAMES = {
    "lana": "Lana",
    "bob": "Bob",
    "zoë": "Zoë",
    "jane": 'Doe, Jane "JD" #1 + <x>; \\ = (y) *',
    "日本": "日本",
}
"""By sAMAccountName; the common name makes the distinguished one."""
DIRECTLY = {
    "lana": {"inner", "Ops (night)"},
    "bob": {"devs"},
    "jane": {"devs", "Ops (night)"},
}
NESTED = DIRECTLY | {"lana": {"inner", "middle", "outer", "Ops (night)"}}


@dataclass(frozen=True)
class Newcomer:
    """A person by name, password and place."""

    name: str
    password: str
    dn: str


def password_of(name: str) -> str:
    return f"{name}'s own Passw0rd"


def dn_of(name: str) -> str:
    return f"CN={escaped(COMMON_NAMES[name])},{PEOPLE}"


def group_dn(name: str, base: str = GROUPS) -> str:
    return f"CN={escaped(name)},{base}"


def person(name: str, dn: str, password: str, **more: object) -> str:
    return entry(dn, ["user"], sAMAccountName=name, userPrincipalName=f"{name}@ad.test",
                 unicodePwd=quoted(password), **{"userAccountControl": "512", **more})  # fmt: skip


def newcomer(domain: Samba, name: str, **more: object) -> Newcomer:
    """Add a person in an entry called by chance."""
    made = Newcomer(name, password_of(name), f"CN={uuid.uuid4()},{PEOPLE}")
    domain.add([person(name, made.dn, made.password, **more)])
    return made


def group(name: str, members: list[str], dn: str | None = None) -> str:
    return entry(dn or group_dn(name), ["group"], sAMAccountName=name, member=members)


def settle(domain: Samba) -> Samba:
    """Fill a new domain."""
    domain.replace(SUFFIX, "lockoutThreshold", str(GUESSES))
    domain.add([
        entry(PEOPLE, ["organizationalUnit"], ou="people"),
        entry(GROUPS, ["organizationalUnit"], ou="groups"),
        person("reader", f"CN=reader,{SUFFIX}", READERS_PASSWORD),
        *(person(name, dn_of(name), password_of(name)) for name in COMMON_NAMES),
    ])  # fmt: skip
    for name in sorted({"devs", "Ops (night)"}):
        members = [dn_of(who) for who, names in DIRECTLY.items() if name in names]
        domain.add([group(name, members)])
    # inner is in middle, middle in outer, and outer in inner again.
    domain.add([group("inner", [dn_of("lana")]), group("middle", [group_dn("inner")]),
                group("outer", [group_dn("middle")])])  # fmt: skip
    domain.replace(group_dn("inner"), "member", dn_of("lana"), group_dn("outer"))
    return domain
