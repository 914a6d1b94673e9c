"""What somebody may manage and read, apart from what a registry gives them."""

from dataclasses import dataclass

from .model import Rule


@dataclass(frozen=True, slots=True)
class Owned:
    """A path that somebody manages, for one registry or all (None), until `ends` (None: no end).

    `ends` is in seconds since the epoch.
    """

    path: str
    registry: str | None
    ends: float | None


@dataclass(frozen=True, slots=True)
class Rights:
    """Management rights at one moment; `denies` are the rules that take actions away."""

    admin: bool = False
    auditor: bool = False
    owned: tuple[Owned, ...] = ()
    denies: tuple[Rule, ...] = ()

    @property
    def reads_all(self) -> bool:
        """Whether everything may be read."""
        return self.admin or self.auditor


EVERYTHING = Rights(admin=True)
