"""A document as the API is given it: an object, or YAML text. Places are JSON pointers. Pure."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NoReturn

from pydantic_core import ErrorDetails

from authsvc.access.sentences import FORM, Sentence, parse_sentence
from authsvc.changes.faults import Faults
from authsvc.changes.spec import LONGEST_PLACE, S, Spec, faults_of, pointer
from authsvc.errors import Invalid

from . import wrong
from .document import KINDS, MEMBERS, Document, Entry, gathered, parse
from .placed import ENTRIES_DEPTH, MAX_INNER, MAX_VALUES, Node

AT = "/document"  # the member of the body
NEITHER = "a document is an object, or YAML text"
_NAME = "document"  # of the text, as of a file
_IN_TEXT = re.compile(rf"{_NAME}:(\d+):(\d+)", re.ASCII)


def document_of(value: dict[str, Any] | str) -> Document:
    """The document of an object or a text; raises `Invalid` with the places of all faults."""
    if isinstance(value, str):
        return parse([(_NAME, value.encode("utf-8", "surrogatepass"))])
    _check_size(value)
    faults = Faults()
    for member, held in value.items():
        if faults.is_full:
            faults.count(1)
        elif member not in MEMBERS:
            faults.add(_place((member,)), wrong.unknown(member, MEMBERS))
        elif held is not None and not isinstance(held, list):
            faults.add(_place((member,)), f"'{member}' is a list of entries")
    return gathered(
        lambda kind, member: _entries(kind, member, value, faults),
        _tests(value, faults),
        frozenset(value).intersection(KINDS),
        faults,
    )


def told(place: str, text: str) -> tuple[str, str]:
    """A fault of a document as the API tells it: a place in a text is no pointer."""
    return (AT, f"{place_in_text(place)}: {text}") if _IN_TEXT.fullmatch(place) else (place, text)


def place_in_text(text: str) -> str:
    """The same with each FILE:LINE:COLUMN of the document in words: there is no file."""
    return _IN_TEXT.sub(r"line \1, column \2", text)


def _entries(
    kind: type[S], member: str, value: dict[str, Any], faults: Faults
) -> Iterator[Entry[S]]:
    for number, each in _listed(member, value):
        if not isinstance(each, dict):
            known = ", ".join(kind.model_fields)
            faults.add(_place((member, number)), f"an entry is an object with {known}")
            continue
        result = faults_of(kind, each)
        if isinstance(result, Spec):
            yield Entry(_place((member, number)), result)
        else:
            _add(faults, (member, number), result, wrong.told(kind, _node(each), result))


def _add(
    faults: Faults,
    entry: tuple[str, int],
    errors: Sequence[ErrorDetails],
    told_of: Iterable[tuple[object, str]],
) -> None:
    """What is wrong within an entry; words are found for what is kept alone."""
    for done, (error, (_, text)) in enumerate(zip(errors, told_of, strict=True)):
        if faults.is_full:
            faults.count(len(errors) - done)
            return
        faults.add(_place((*entry, *error["loc"])), text)


def _tests(value: dict[str, Any], faults: Faults) -> Iterator[Entry[Sentence]]:
    for number, each in _listed("tests", value):
        place = _place(("tests", number))
        with faults.at(place):
            if not isinstance(each, str):
                raise Invalid("a test is a text", advice=f"write {FORM}")
            yield Entry(place, parse_sentence(each))


def _listed(member: str, value: dict[str, Any]) -> Iterator[tuple[int, Any]]:
    held = value.get(member)
    return enumerate(held if isinstance(held, list) else ())


def _place(location: tuple[int | str, ...]) -> str:
    return (AT + pointer(location))[:LONGEST_PLACE]


def _node(value: Any) -> Node:
    """What files are read into, without places: what is wrong in it is said in the same words."""
    if isinstance(value, dict):
        value = {name: _node(each) for name, each in value.items()}
    elif isinstance(value, list):
        value = [_node(each) for each in value]
    return Node(value, 0, 0)


def _check_size(document: dict[str, Any]) -> None:
    """Raise `Invalid` for more values than a file may hold, before each of them is looked at.

    What an entry holds is judged all at once by a library, which keeps every other thread from
    its turn meanwhile.
    """
    left = MAX_VALUES
    waiting: list[tuple[Collection[Any], int]] = [(document.values(), 0)]
    while waiting:
        values, depth = waiting.pop()
        left -= len(values)
        if depth > ENTRIES_DEPTH - 1 and len(values) > MAX_INNER:
            _refuse(f"a list or an object within an entry holds at most {MAX_INNER:,} values")
        if left < 0:
            _refuse(f"a document holds at most {MAX_VALUES:,} values: make several of it")
        waiting += (
            (each.values() if isinstance(each, dict) else each, depth + 1)
            for each in values
            if isinstance(each, dict | list)
        )


def _refuse(text: str) -> NoReturn:
    raise Invalid(text, faults=[(AT, text)])
