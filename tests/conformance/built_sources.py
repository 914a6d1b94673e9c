"""The sources of identities that the suites here are run on, each with people behind it.

A new provider adds one builder to `BUILDERS`: it makes a source in `folder` whose people are
those of `PEOPLE`, with a fixture of its own where it needs one.
"""

import itertools
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from identity.parts import People, hashed, htpasswd_line
from real.process import free_port
from real.slapd import SUFFIX, entry, escaped

from authsvc.identity.htpasswd import Htpasswd
from authsvc.identity.provider import Provider

PEOPLE = {
    "alice": "correct horse, wrong staple",
    "zoë": "schöne große, süße äpfel",
    "long": "p" * 72,
    "j.doe+ci@example.com": "a:password:with:colons",
}
ALICES = PEOPLE["alice"]


@dataclass
class Built:
    """A provider, how to change a person behind it, and one like it that cannot be asked.

    `disable` switches somebody off whose entry stays; `set_password` brings them back.
    With `by_topic` the change feed tells of changes; else `is_current` must. With `by_look` nobody
    tells the source either: it sees a change when it looks, and the changes here make it look.
    """

    provider: Provider
    set_password: Callable[[str, str], None]
    remove: Callable[[str], None]
    out_of_reach: Provider
    disable: Callable[[str], None] | None = None
    by_topic: bool = False
    by_look: bool = False


def local(_request, _folder):
    people, unreachable = People(), People(down=True)
    for name, password in PEOPLE.items():
        people.add(name, password)
    return Built(
        people.provider(), people.add, people.stored.pop, unreachable.provider(), by_topic=True
    )


def htpasswd(_request, folder):
    path = folder / "htpasswd"
    lines = {name: htpasswd_line(name, password) for name, password in PEOPLE.items()}
    lines["alice"] = f"alice:{hashed(ALICES)}\n"
    path.write_text("".join(lines.values()))
    provider = at(path)

    def write():
        path.write_text("".join(lines.values()))
        provider.refresh()

    def set_password(name, password):
        lines[name] = htpasswd_line(name, password)
        write()

    def remove(name):
        del lines[name]
        write()

    def disable(name):
        lines[name] = lines[name].replace(":", ":!", 1)
        write()

    return Built(provider, set_password, remove, at(folder / "missing"), disable)


def at(path):
    return Htpasswd("file", path, ["bcrypt", "argon2"], pause=lambda _seconds: None)


def ldap(request, _folder):
    slapd, sources = (request.getfixturevalue(name) for name in ("slapd", "sources"))
    unit = f"ou=conformance-{uuid.uuid4().hex[:8]},{SUFFIX}"
    provider = sources(slapd.url, user_base=unit, password_changed_attribute="description")
    slapd.add([entry(unit, ["organizationalUnit"], ou=unit[3 : unit.index(",")])])
    changes = itertools.count()

    def dn(name):
        return f"uid={escaped(name)},{unit}"

    def set_password(name, password):
        known = provider.knows(name)
        marked = {"userPassword": password, "description": f"change {next(changes)}"}
        if known is None:
            slapd.add([entry(dn(name), ["inetOrgPerson"], uid=name, cn=name, sn="x", **marked)])
            return
        for attribute, value in marked.items():
            slapd.replace(dn(name), attribute, value)
        slapd.replace(dn(name), "pwdAccountLockedTime")
        provider.recheck(known)

    def disable(name):
        known = provider.knows(name)
        slapd.replace(dn(name), "pwdAccountLockedTime", "000001010000Z")
        provider.recheck(known)

    def remove(name):
        known = provider.knows(name)
        slapd.remove(dn(name))
        provider.recheck(known)

    for name, password in PEOPLE.items():
        set_password(name, password)
    nowhere = sources(f"ldap://127.0.0.1:{free_port()}")
    return Built(provider, set_password, remove, nowhere, disable, by_look=True)


BUILDERS = [
    pytest.param(local, id="local"),
    pytest.param(htpasswd, id="htpasswd"),
    pytest.param(ldap, id="ldap"),
]
VOUCHING = BUILDERS[1:]
"""Those whose people are not in the database: they are asked about owners of minted secrets."""
