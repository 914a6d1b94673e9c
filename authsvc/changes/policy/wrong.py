"""What is wrong with an entry of a policy file, in words that say what to write instead. Pure."""

import difflib
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic_core import ErrorDetails

from authsvc.changes.spec import Spec, faults_of, text_of

from .encoded import Place
from .placed import LONGEST_QUOTED, Node, found

_NEEDED = {
    "string_type": "a text is needed here: if this is one, put it in quotes",
    "int_type": "an integer is needed here",
    "bool_type": "a boolean is needed here: true or false",
    "tuple_type": "a list is needed here: write it in [ ]",
}


def unknown(word: str, known: Iterable[str]) -> str:
    """That no member is called `word`, with the one that seems to be meant, or all there are."""
    names = list(known)
    near = nearest(word, names)
    hint = f"did you mean '{near}'?" if near else f"known are {', '.join(names)}"
    return f"unknown member '{word[:LONGEST_QUOTED]}': {hint}"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one of `known` that differs in spelling alone, or else in few characters."""
    spelt = _spelt(word[:LONGEST_QUOTED])
    names = list(known)
    same = [name for name in names if _spelt(name) == spelt]
    return next(iter(same or difflib.get_close_matches(spelt, names, 1)), None)


def told(
    kind: type[Spec], entry: Node, errors: Iterable[ErrorDetails]
) -> Iterator[tuple[Place, str]]:
    """Each of `errors`, which `faults_of` found in `entry`, with its place."""
    for error in errors:
        location = error["loc"]
        at = found(entry, location)
        if error["type"] == "extra_forbidden":
            yield at.named_at, unknown(str(location[-1]), kind.model_fields)
        elif error["type"] == "missing":
            yield at.at, f"'{location[-1]}' is missing"
        else:
            text = _NEEDED.get(error["type"]) or text_of(error)
            meant = _meant(kind, entry, location)
            yield at.at, f"{text}; did you mean '{meant}'?" if meant else text


def _meant(kind: type[Spec], entry: Node, location: tuple[int | str, ...]) -> str | None:
    """The text at `location` in another spelling, when the entry could hold that.

    It is tried alone, without what other lists hold: a group may have 10,000 wrong members.
    """
    given = found(entry, location).value
    if not isinstance(given, str) or not isinstance(entry.value, dict) or _spelt(given) == given:
        return None
    members: dict[str, Any] = {
        name: node.value for name, node in entry.value.items() if not isinstance(node.value, list)
    }
    first, alone = str(location[0]), len(location) == 1
    members[first] = _spelt(given) if alone else [_spelt(given)]
    left = faults_of(kind, members)
    place = location if alone else (first, 0)
    taken = isinstance(left, Spec) or all(error["loc"] != place for error in left)
    return _spelt(given)[:LONGEST_QUOTED] if taken else None


def _spelt(word: str) -> str:
    """As all words of policies are spelt: NFKC, small letters, no outer blanks."""
    return unicodedata.normalize("NFKC", word).casefold().strip()
