"""From lists of rules to what is looked up: rules by subject, and the view of a principal.

Done when something changed, so that a decision only looks up (contract section 5, rules 3, 4, 7).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from authsvc.principal import Kind, Principal
from authsvc.protocol import names

from .globs import Glob, GlobTree
from .merging import indexes
from .model import AUTHENTICATED, EVERYONE, EVERYWHERE, PolicyBase, Rule, SubjectRules, View

USERNAME = "{username}"


def is_glob(pattern: str) -> bool:
    """Whether a pattern is a glob over whole names, and no path (rule 3)."""
    return "*" in pattern or "{" in pattern


def compile_rules(
    subject: str,
    version: int,
    rules: Iterable[Rule],
    groups: tuple[str, ...] = (),
    identity: str | None = None,
) -> SubjectRules:
    """All rules of one subject, indexed. `groups` are the groups it is a direct member of."""
    paths: dict[str, tuple[Rule, ...]] = {}
    everywhere, templates, globs = [], [], []
    for rule in rules:
        if rule.pattern == EVERYWHERE:
            everywhere.append(rule)
        elif USERNAME in rule.pattern:
            templates.append(rule)
        elif is_glob(rule.pattern):
            globs.append((rule.pattern, rule))
        else:
            paths[rule.pattern] = (*paths.get(rule.pattern, ()), rule)
    return SubjectRules(
        subject=subject,
        version=version,
        paths=paths,
        globs=GlobTree(globs) if globs else None,
        everywhere=tuple(everywhere),
        templates=tuple(templates),
        groups=groups,
        identity=identity,
    )


def audience(principal: Principal) -> tuple[str, ...]:
    """The subjects that a principal always is, groups apart (rule 7: robots stand alone)."""
    if principal.kind is Kind.USER:
        return (principal.subject, AUTHENTICATED, EVERYONE)
    if principal.kind is Kind.ROBOT:
        return (principal.subject, EVERYONE)
    return (EVERYONE,)


def groups_of(principal: Principal, direct: Iterable[str], base: PolicyBase) -> tuple[str, ...]:
    """Every group that a principal is in: direct ones, those of its source, and theirs.

    A source speaks for groups of its own only. Each group comes once; circles do no harm.
    """
    if principal.kind is not Kind.USER:
        return ()
    own = f"group:{principal.source}:"
    found = dict.fromkeys(direct)
    found.update(dict.fromkeys(group for group in principal.groups if group.startswith(own)))
    waiting = list(found)
    while waiting:
        for group in base.parents.get(waiting.pop(), ()):
            if group not in found:
                found[group] = None
                waiting.append(group)
    return tuple(found)


def view_of(base: PolicyBase, principal: Principal, parts: Sequence[SubjectRules]) -> View:
    """The view of a principal from the rules of all that it is: its audience and its groups."""
    version = max((base.version, *(part.version for part in parts)))
    counting = [part for part in parts if part.decisive]
    filled = _filled([rule for part in parts for rule in part.templates], principal, version)
    if filled is not None:
        counting.append(filled)
    return View(base, principal, tuple(counting), indexes(counting), version)


def _filled(rules: Sequence[Rule], principal: Principal, version: int) -> SubjectRules | None:
    """Templates with a person's name in them; None for a name that is no path component.

    Anything else in the place of `{username}` could be a path, a glob or another's name (rule 4).
    """
    if not rules or principal.kind is not Kind.USER or not names.is_path_component(principal.name):
        return None
    filled = [_fill(rule, principal.name) for rule in rules]
    return SubjectRules({}, GlobTree(filled), subject=principal.subject, version=version)


def _fill(rule: Rule, name: str) -> tuple[str, Rule]:
    homes = _homes(rule.pattern, name) if rule.allow else ()
    return rule.pattern.replace(USERNAME, name), replace(rule, homes=homes)


def _homes(template: str, name: str) -> tuple[Glob, ...]:
    """What a registered namespace is compared with: the filled-in path, and all below it.

    The path is the text up to and including the name. Where the name is only a part of its path
    component, as in `{username}-lab/**`, the whole component is compared as well: a namespace
    `alice-lab` of others is no more the person's own than a namespace `alice`.
    """
    before, _, after = template.partition(USERNAME)
    path = before + name
    component = path + after.partition("/")[0].replace(USERNAME, name)
    return tuple(
        Glob(text + end) for text in dict.fromkeys((path, component)) for end in ("", "/**")
    )
