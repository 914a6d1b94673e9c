"""What a noun may hold: closed, frozen values that API bodies, policy files and commands become.

Every member that is not known is a fault, and so is every wrong value; all faults are told at
once, each with its place as a JSON pointer (RFC 6901).
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from authsvc.errors import Invalid

S = TypeVar("S", bound="Spec")
MOST_FAULTS = 20  # that are told of one body
LONGEST_PLACE = 200  # characters


class Spec(BaseModel):
    """Base of the specs: closed and frozen, and no fault ever repeats what was given."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def checked(kind: type[S], members: Mapping[str, Any]) -> S:
    """The spec that `members` make.

    Raises `Invalid` with the first MOST_FAULTS faults; a place is a JSON pointer into `members`.
    """
    try:
        return kind.model_validate(dict(members))
    except ValidationError as error:
        errors = error.errors(include_input=False)[:MOST_FAULTS]
        faults = tuple((pointer(each["loc"])[:LONGEST_PLACE], text_of(each)) for each in errors)
        more = error.error_count() - len(faults)
        raise Invalid(_summary(faults, more), faults=faults) from None


def changed(
    kind: type[S], item: Mapping[str, Any], members: Mapping[str, Any], fixed: tuple[str, ...]
) -> S:
    """The spec of `item` with `members` in the place of its own.

    Raises `Invalid`, also when `id` or a `fixed` member is to become another one.
    """
    held = {name: value for name, value in item.items() if name != "id"}
    return checked(kind, {**held, **movable(item, members, fixed)})


def movable(
    item: Mapping[str, Any], members: Mapping[str, Any], fixed: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The members that may change; raises `Invalid` when `id` or a `fixed` one is to."""
    fixed = ("id", *fixed)
    wrong = tuple(
        (pointer((name,)), "this member cannot be changed")
        for name in fixed
        if name in members and members[name] != item[name]
    )
    if wrong:
        raise Invalid(_summary(wrong), faults=wrong)
    return {name: value for name, value in members.items() if name not in fixed}


def faults_of(kind: type[S], members: Any) -> S | list[ErrorDetails]:
    """The spec, or what is wrong with it in the library's own form, for callers with positions."""
    try:
        return kind.model_validate(members)
    except ValidationError as error:
        return error.errors(include_input=False, include_url=False)


def pointer(location: tuple[int | str, ...]) -> str:
    """A place in a document as a JSON pointer (RFC 6901 section 3)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


def text_of(error: ErrorDetails) -> str:
    """One fault in words: our own rules speak for themselves, the library's need no prefix."""
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    if error["type"] == "extra_forbidden":
        return "unknown member"
    if error["type"] == "missing":
        return "this member is needed"
    text = error["msg"]
    return text[:1].lower() + text[1:]


def _summary(faults: tuple[tuple[str, str], ...], more: int = 0) -> str:
    """The faults in one line, each with its member as people name it."""
    named = ((place[1:].replace("/", "."), text) for place, text in faults)
    said = [f"{name}: {text}" if name else text for name, text in named]
    return "; ".join([*said, f"and {more} more"] if more else said)
