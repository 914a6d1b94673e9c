"""A world as a rulebook: what plans and tests beside a policy read."""

from dataclasses import replace

from access.world import World


class Book:
    """`registries` take the place of those of the world with their names; None: there is none."""

    def __init__(self, world: World, **registries):
        base = world.base()
        held = {**base.registries, **registries}
        kept = {name: registry for name, registry in held.items() if registry is not None}
        self.base = replace(base, registries=kept)
        self.world = world

    def rules(self, subject):
        return tuple(_rules(self.world.rules(subject)))

    def groups(self, subject):
        return self.world.groups(subject)


def _rules(compiled):
    for rules in compiled.paths.values():
        yield from rules
    yield from compiled.globs or ()
    yield from (*compiled.everywhere, *compiled.templates)
