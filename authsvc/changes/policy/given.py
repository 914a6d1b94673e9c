"""A document as the API is given it: an object, or YAML text. Places are JSON pointers. Pure."""

import re
from collections.abc import Iterator
from typing import Any

from authsvc.access.sentences import FORM, Sentence, parse_sentence
from authsvc.changes.faults import Faults
from authsvc.changes.spec import S, Spec, faults_of, pointer, text_of
from authsvc.errors import Invalid

from .document import KINDS, MEMBERS, Document, Entry, gathered, parse
from .wrong import unknown

AT = "/document"  # the member of the body
_NAME = "document"  # of the text, as of a file
_IN_TEXT = re.compile(rf"{_NAME}:(\d+):(\d+)", re.ASCII)


def document_of(value: object) -> Document:
    """The document of an object or a text; raises `Invalid` with the places of all faults."""
    if isinstance(value, str):
        return _of_text(value)
    if not isinstance(value, dict):
        text = "a document is an object, or YAML text"
        raise Invalid(text, faults=((AT, text),))
    faults = Faults()
    for member, held in value.items():
        if member not in MEMBERS:
            faults.add(AT + pointer((member,)), unknown(member, MEMBERS))
        elif held is not None and not isinstance(held, list):
            faults.add(AT + pointer((member,)), "this is a list of entries")
    return gathered(
        lambda kind, member: _entries(kind, member, value, faults),
        _tests(value, faults),
        frozenset(value).intersection(KINDS),
        faults,
    )


def told(place: str, text: str) -> tuple[str, str]:
    """A fault of a document as the API tells it: a place in a text is no pointer."""
    found = _IN_TEXT.fullmatch(place)
    return (AT, f"line {found[1]}, column {found[2]}: {text}") if found else (place, text)


def _of_text(text: str) -> Document:
    try:
        return parse([(_NAME, text.encode("utf-8", "surrogatepass"))])
    except Invalid as error:
        raise Invalid(error.message, faults=[told(*fault) for fault in error.faults]) from None


def _entries(
    kind: type[S], member: str, value: dict[str, Any], faults: Faults
) -> Iterator[Entry[S]]:
    for place, each in _listed(member, value):
        result = faults_of(kind, each)
        if isinstance(result, Spec):
            yield Entry(place, result)
        else:
            for fault in result:
                faults.add(place + pointer(fault["loc"]), text_of(fault))


def _tests(value: dict[str, Any], faults: Faults) -> Iterator[Entry[Sentence]]:
    for place, each in _listed("tests", value):
        with faults.at(place):
            if not isinstance(each, str):
                raise Invalid("a test is a text", advice=f"write {FORM}")
            yield Entry(place, parse_sentence(each))


def _listed(member: str, value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    held = value.get(member)
    for number, each in enumerate(held if isinstance(held, list) else ()):
        yield f"{AT}/{member}/{number}", each
