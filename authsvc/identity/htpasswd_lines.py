"""The lines of an htpasswd file: good entries, and what is wrong with the others. Pure.

A line is `name:hash`, or `name:hash:comment` as Apache and nginx read it; blanks around it count
for nothing, and lines that start with `#` are comments. Of two lines for one name the first
counts, as for Apache, even a faulty one. A faulty line never spoils those of other names.
"""

from dataclasses import dataclass

from passlib.apache import HtpasswdFile

from authsvc.identity.schemes import Schemes
from authsvc.protocol.names import is_user_name

_BOM = b"\xef\xbb\xbf"
_LONGEST = 4_096  # bytes of a line; a name takes 255 at most and a hash some 200
_LONGEST_NAME = 255  # bytes, for Apache's htpasswd and for passlib's reader


@dataclass(frozen=True, slots=True)
class Parsed:
    """`hashes` by name; `faults` as (line number, text), in which nothing of the line stands.

    `barred` are the names whose line is faulty: they are there, but nobody signs in by it.
    """

    hashes: dict[str, str]
    barred: frozenset[str]
    faults: tuple[tuple[int, str], ...]
    blank: bool

    @property
    def unusable(self) -> bool:
        """Nothing in it is usable, and it does not even say so by holding comments alone."""
        return not self.hashes and (self.blank or bool(self.faults))


def parse(content: bytes, schemes: Schemes) -> Parsed:
    """Read the content of a file, in UTF-8. Never raises."""
    good: dict[bytes, bytes] = {}
    met: set[bytes] = set()
    faults = []
    for number, raw in enumerate(content.removeprefix(_BOM).splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith(b"#"):
            continue
        name, _, rest = line.partition(b":")
        stored = rest.partition(b":")[0]
        fault = "name occurs twice" if name in met else _fault(line, stored, schemes)
        met.add(name)
        if fault is None:
            good[name] = stored
        else:
            faults.append((number, fault))
    barred = frozenset(name.decode("utf-8", "replace") for name in met - good.keys())
    return Parsed(_read(good, schemes), barred, tuple(faults), blank=not content.strip())


def _fault(line: bytes, stored: bytes, schemes: Schemes) -> str | None:
    """What is wrong with a line that is no comment, in words that repeat nothing of it."""
    if len(line) > _LONGEST:
        return f"longer than {_LONGEST} bytes"
    if b":" not in line:
        return "no colon"
    name = line.partition(b":")[0]
    try:
        possible = len(name) <= _LONGEST_NAME and is_user_name(name.decode())
    except UnicodeDecodeError:
        return "name is not UTF-8"
    if not possible:
        return "nobody can have this name"
    return schemes.fault(stored.decode("utf-8", "replace"))


def _read(good: dict[bytes, bytes], schemes: Schemes) -> dict[str, str]:
    """The entries as passlib's reader sees them; a context of our own, never its default one.

    Its `check_password` is not for us: it renews hashes in its memory, at the cost of a second
    slow hash, and so would hide that a line has changed.
    """
    reader = HtpasswdFile(context=schemes.context)
    reader.load_string(b"".join(b"%s:%s\n" % entry for entry in good.items()))
    entries = ((str(name), reader.get_hash(str(name))) for name in reader.users())
    return {name: stored.decode("ascii") for name, stored in entries if stored}
