r"""What a pattern of docker_auth matches, and which of them a grant can say. Pure.

First `${account}` and other variables are filled in, then the text is a regular expression when it
stands between slashes, and else a glob of Go's path.Match (auth_server/authz/acl.go, matchString):
`*` is any run without `/`, however many of them stand together, `?` one character that is no `/`,
`[a-z]` one of a set, and `\` takes the meaning from what follows. What is filled in is literal.

Two things are asked of a pattern: whether a grant says exactly the same (`strange`, `place_of`),
and what it matches at most (`widest`), which counts where rules are compared.
"""

import re
from functools import lru_cache
from typing import Final

from authsvc.access.compiler import USERNAME
from authsvc.access.globs import Glob
from authsvc.changes.places import EVERYWHERE, check_pattern
from authsvc.protocol import names

ACCOUNT: Final = "${account}"
EVERYTHING: Final = Glob(EVERYWHERE)

_RUNS = re.compile(r"\*+")
_SETS = re.compile(r"[\[\\]")


def strange(text: str, *, takes: str = "") -> str:
    """Why nothing of ours says what this pattern does; '' when something may.

    `takes` is a variable or a wildcard that has an equal where the pattern stands.
    """
    if _is_regex(text):
        return "a regular expression has no equal"
    rest = text.replace(takes, "") if takes else text
    if "${" in rest:
        return "this variable has no equal here"
    found = re.search(r"[?\[\\]", rest)
    return f"'{found[0]}' has no equal: the wildcards of a grant are '*' and '**'" if found else ""


def is_literal(text: str) -> bool:
    """Whether this matches one text and no other, once it is not `strange`."""
    return "*" not in text and ACCOUNT not in text


def place_of(text: str | None) -> str:
    """The path or glob of a grant that covers the same repositories, but that a path covers more.

    Raises `ValueError` where a grant may not say it. The pattern is not `strange`.
    """
    if text is None:
        return EVERYWHERE
    if USERNAME in text:
        raise ValueError("a brace stands in no name")
    return check_pattern(_RUNS.sub("*", text).replace(ACCOUNT, USERNAME))


def matches(pattern: str | None, text: str) -> bool:
    """Whether a pattern of `*`, `?` and literals matches this; None matches everything.

    Time is linear in each of the two lengths.
    """
    if pattern is None:
        return True
    glob = _RUNS.sub("*", pattern)
    here = _skipped(glob, {0})
    for character in text:
        passed = {at + (glob[at] != "*") for at in here if _passes(glob[at : at + 1], character)}
        here = _skipped(glob, passed)
    return len(glob) in here


def _skipped(glob: str, places: set[int]) -> set[int]:
    """The places from which matching may go on, since a run may be empty."""
    return places | {at + 1 for at in places if glob[at : at + 1] == "*"}


def _passes(expected: str, character: str) -> bool:
    return character != "/" if expected in ("*", "?") else expected == character


@lru_cache(maxsize=65536)
def widest(pattern: str | None, account: str | None = None) -> Glob:
    """A glob that matches all that the pattern does for an account, and maybe more.

    `account` None is any that there may be. Characters of an account are literal in docker_auth;
    an asterisk among them makes this one wider, which does no harm.
    """
    if pattern is None or _may_be_regex(pattern, account) or _SETS.search(pattern):
        return EVERYTHING
    text = _RUNS.sub("*", pattern.replace("?", "*"))
    text = text.replace(ACCOUNT, EVERYWHERE if account is None else account)
    return EVERYTHING if "${" in text else Glob(text)


def is_possible(pattern: str | None, account: str) -> bool:
    """Whether any repository may have a name that the pattern matches for this account."""
    if pattern is None or _may_be_regex(pattern, account) or _SETS.search(pattern):
        return True
    text = re.sub(r"\*+|\?", "x", pattern).replace(ACCOUNT, account)
    return "${" in text or names.is_repository_name(text)


def _is_regex(text: str) -> bool:
    return len(text) > 2 and text[0] == text[-1] == "/"


def _may_be_regex(pattern: str, account: str | None) -> bool:
    """Whether it stands between slashes, with what may be filled in."""
    if account is not None:
        return _is_regex(pattern.replace(ACCOUNT, account))
    return pattern.startswith(("/", "${")) and pattern.endswith(("/", "}"))
