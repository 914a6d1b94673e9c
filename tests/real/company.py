"""The people and groups in the directories of the tests, with names as awkward as they come."""

from real.slapd import GROUPS, PEOPLE, READER, READERS_PASSWORD, SUFFIX, Slapd, entry, escaped

PASSWORDS = {
    "lana": "Lana's own password",
    "bob": "Bob's own password",
    "zoë": "schöne große, süße äpfel",
    "j.doe+ci@example.com": "a:password:with:colons",
    "Doe, Jane": "comma",
    'q"uo"te': "quotes",
    "p+l+u+s": "plus",
    "#hash": "hash",
    "back\\slash": "backslash",
    "st*ar(x)": "filter",
    "日本": "漢字の合言葉",
    "a=b;c<d>": "rest of RFC 4514",
    "Mixed.Case": "stored in capitals",
}
GROUPS_OF = {
    "lana": {"devs", "Ops, night shift", "st*ar(g)"},
    "bob": {"devs"},
    "zoë": {'é#+\\"=<>;'},
    "Doe, Jane": {"Ops, night shift"},
    "st*ar(x)": {"st*ar(g)"},
}
NESTED = {"lana": {"inner", "middle", "outer"} | GROUPS_OF["lana"]}
_ENTRY = ("inetOrgPerson", "activeDirectoryAlike")


def dn_of(name: str) -> str:
    return f"uid={escaped(name)},{PEOPLE}"


def group_dn(name: str, base: str = GROUPS) -> str:
    return f"cn={escaped(name)},{base}"


def person(name: str, password: str, **more: object) -> str:
    return entry(dn_of(name), _ENTRY, uid=name, cn=name, sn="x", userPassword=password, **more)


def group(name: str, members: list[str], base: str = GROUPS, **more: object) -> str:
    return entry(group_dn(name, base), ["groupOfNames"], cn=name, member=members, **more)


def settle(server: Slapd) -> Slapd:
    """Fill a new server."""
    server.add([
        entry(SUFFIX, ["dcObject", "organization"], dc="example", o="Example"),
        entry(PEOPLE, ["organizationalUnit"], ou="people"),
        entry(GROUPS, ["organizationalUnit"], ou="groups"),
        entry(READER, ["organizationalRole", "simpleSecurityObject"], cn="reader",
              userPassword=READERS_PASSWORD),
        entry(f"cn=strict,{SUFFIX}", ["person", "pwdPolicy"], cn="strict", sn="x",
              pwdAttribute="userPassword", pwdLockout="TRUE", pwdMaxFailure="2",
              pwdMustChange="TRUE"),
        *(person(name, password) for name, password in PASSWORDS.items()),
    ])  # fmt: skip
    for name in sorted({name for names in GROUPS_OF.values() for name in names}):
        server.add([group(name, [dn_of(who) for who, names in GROUPS_OF.items() if name in names])])
    # inner is in middle, middle in outer, and outer in inner again.
    server.add([group("inner", [dn_of("lana"), group_dn("outer")])])
    server.add([group("middle", [group_dn("inner")]), group("outer", [group_dn("middle")])])
    return server
