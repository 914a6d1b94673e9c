"""A world as a rulebook: what plans and tests beside a policy read."""

from access.world import World


class Book:
    """A world as a rulebook."""

    def __init__(self, world: World, **registries):
        base = world.base()
        self.base = type(base)(
            base.version, {**base.registries, **registries}, base.roles, base.visibility,
            base.parents,
        )  # fmt: skip
        self._world = world

    def rules(self, subject):
        return tuple(_rules(self._world.rules(subject)))

    def groups(self, subject):
        return self._world.groups(subject)


def _rules(compiled):
    for rules in compiled.paths.values():
        yield from rules
    yield from compiled.globs or ()
    yield from (*compiled.everywhere, *compiled.templates)
