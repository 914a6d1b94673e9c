"""An htpasswd file as local users, with their hashes as they are.

The lines are read as those of a source that is such a file (identity/htpasswd_lines), but here one
faulty line refuses them all: people left out would be noticed by themselves alone.
"""

from collections.abc import Iterable
from typing import Final

from authsvc.changes import users
from authsvc.changes.unit_of_work import UnitOfWork
from authsvc.errors import Invalid
from authsvc.identity import htpasswd_lines
from authsvc.identity.schemes import ALL, Schemes
from authsvc.principal import Actor

ALWAYS: Final = ("bcrypt", "argon2")
"""The schemes taken without being named, as by a source (contract section 2)."""


def parsed(file: str, data: bytes, named: Iterable[str] = ()) -> dict[str, str]:
    """The names in a file with their hashes, of the schemes ALWAYS and those `named`.

    Raises `Invalid`: no such scheme, or every faulty line, as FILE:LINE.
    """
    schemes = {*ALWAYS, *named}
    if not schemes <= set(ALL):
        unknown = ", ".join(sorted(schemes - set(ALL)))
        raise Invalid(f"no scheme is called '{unknown}'", advice=f"there are: {', '.join(ALL)}")
    found = htpasswd_lines.parse(data, Schemes(sorted(schemes)))
    if found.faults:
        count = "one faulty line" if len(found.faults) == 1 else f"{len(found.faults)} faulty lines"
        faults = [(f"{file}:{line}", text) for line, text in found.faults]
        raise Invalid(f"{count} in {file}; nothing was imported", faults=faults)
    return found.hashes


def submit(unit_of_work: UnitOfWork, actor: Actor, people: dict[str, str]) -> list[str]:
    """Make all of `people`, or none; raises `Conflict` with the names that are taken."""
    return unit_of_work.run(actor, lambda tx: users.add_all(tx, people))
