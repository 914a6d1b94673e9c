"""Which rules and which registered namespace cover a name (contract section 5, rules 2, 3, 6).

It costs one look-up for each ancestor of the name and each index of the caller's view, whatever
else is stored.
"""

from .model import Registry, Rule, View, Visibility


def matching(view: View, registry: Registry, name: str) -> list[Rule]:
    """Every rule of a view that is for this registry and covers a name, allow and deny alike.

    Whether a rule counts now is not asked here: its end, its networks and rule 4 are the caller's.
    """
    above = ancestors(name)
    found: list[Rule] = []
    for index in view.indexes:
        paths = index.paths
        if paths:
            for path in above:
                if path in paths:
                    found += paths[path]
        if index.globs is not None:
            found += index.globs.find(name)
        found += index.everywhere
    here = registry.name
    return [rule for rule in found if rule.registry is None or rule.registry == here]


def ancestors(name: str) -> list[str]:
    """A name and every path above it, nearest first."""
    found = [name]
    while slash := name.rfind("/") + 1:
        name = name[: slash - 1]
        found.append(name)
    return found


def nearest(view: View, registry: Registry, name: str) -> tuple[str | None, Visibility]:
    """The registered namespace that decides about a name, and its visibility (rule 6).

    The nearest path counts first, then one for this registry before one for all. (None, private)
    when there is none at or above the name.
    """
    registered = view.base.visibility
    for path in ancestors(name):
        here = registered.get(path)
        if here is not None:
            found = here.get(registry.name) or here.get(None)
            if found is not None:
                return path, found
    return None, Visibility.PRIVATE
