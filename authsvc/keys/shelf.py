"""The leaves of a folder, each file read once; a file gone bad does not take its key away."""

from dataclasses import dataclass
from pathlib import Path

from authsvc.errors import Invalid, InvalidSettings

from .certificates import Issuer
from .leaves import Leaf, load
from .store import CA_CERTIFICATE, CA_KEY, Folder, Stamp, read_private, stamp_of


@dataclass(frozen=True, slots=True)
class Slot:
    """One leaf file: what it was when last read, the leaf it gave, and what was wrong with it.

    `leaf` is the last good one, so that a file replaced by garbage leaves the old key signing.
    """

    stamp: Stamp
    leaf: Leaf | None
    fault: str | None


@dataclass(frozen=True, slots=True)
class Shelf:
    """What a folder held when it was last looked at; `kept` is what it held when it went empty."""

    issuer: Issuer | None = None
    stamps: tuple[Stamp | None, ...] = ()
    slots: tuple[tuple[Path, Slot], ...] = ()
    kept: tuple[Leaf, ...] = ()
    fault: str | None = None

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """All keys that can sign, those included whose files went bad or away."""
        return tuple(s.leaf for _, s in self.slots if s.leaf is not None) or self.kept

    @property
    def sound(self) -> tuple[Leaf, ...]:
        """The keys whose files are as they should be."""
        return tuple(s.leaf for _, s in self.slots if s.leaf is not None and s.fault is None)

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with files of the folder, in words for the log."""
        own = [self.fault] if self.fault else []
        if self.kept:
            own.append("the files of the signing keys are gone; the last keys go on signing")
        return (*own, *(slot.fault for _, slot in self.slots if slot.fault))

    @property
    def faulty(self) -> tuple[Path, ...]:
        """The leaf files that cannot be used."""
        return tuple(path for path, slot in self.slots if slot.fault)


def look(folder: Folder, before: Shelf) -> Shelf:
    """The folder as it is now. Never raises: what cannot be read stays as it was, with a fault."""
    stamps = tuple(_stamp(folder.path / name) for name in (CA_CERTIFICATE, CA_KEY))
    issuer, fault = before.issuer, before.fault
    if stamps != before.stamps:
        try:
            issuer, fault = folder.issuer() or issuer, None
        except InvalidSettings as error:
            fault = str(error)
    if issuer is None:
        return Shelf(stamps=stamps, fault=fault)
    known = dict(before.slots) if issuer is before.issuer else {}
    slots = tuple((path, _slot(path, known.get(path), issuer)) for path in folder.leaf_files())
    empty = all(slot.leaf is None for _, slot in slots)
    return Shelf(issuer, stamps, slots, before.leaves if empty else (), fault)


def _slot(path: Path, before: Slot | None, issuer: Issuer) -> Slot:
    stamp = _stamp(path)
    if before is not None and before.stamp == stamp:
        return before
    held = before.leaf if before else None
    try:
        content = read_private(path)
        return Slot(content.stamp, load(content.data, issuer), None)
    except Invalid as fault:
        text = f"{path}: {fault}"
    except OSError as error:
        text = f"{path}: {error.strerror}"
    after = "; the key it held before goes on signing" if held else ""
    return Slot(stamp or (0, 0, 0, 0), held, text + after)


def _stamp(path: Path) -> Stamp | None:
    try:
        return stamp_of(path.stat())
    except OSError:
        return None
