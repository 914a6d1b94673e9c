"""Few look-ups for a principal that is many subjects: what is small is merged into one index.

Done when a view is made, once after each change. Values are shared with the subjects' own
indexes; what a view holds of its own is bounded, so a group with many grants costs its members
nothing.
"""

from collections.abc import Sequence

from .globs import GlobTree
from .model import Index, Rule

FEW = 4  # subjects that are cheaper looked up one by one than merged
MERGED = 256  # entries that are merged for one view at most; about 15 kB, 100 kB if all are globs


def indexes(parts: Sequence[Index]) -> tuple[Index, ...]:
    """Indexes that together hold what `parts` hold, in an order that is always the same."""
    if len(parts) <= FEW:
        return tuple(parts)
    small: list[Index] = []
    large: list[Index] = []
    room = MERGED
    for part in sorted(parts, key=lambda part: part.size):
        room -= part.size
        (small if room >= 0 else large).append(part)
    return (_merged(small), *large) if small else tuple(large)


def _merged(parts: Sequence[Index]) -> Index:
    paths: dict[str, tuple[Rule, ...]] = {}
    for part in parts:
        for path, rules in part.paths.items():
            paths[path] = paths[path] + rules if path in paths else rules
    trees = [part.globs for part in parts if part.globs is not None]
    return Index(
        paths,
        GlobTree(trees=trees) if trees else None,
        tuple([rule for part in parts for rule in part.everywhere]),
    )
