"""What a fault in the settings is called: its place, and what would be right, never the value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import ErrorDetails

from .catalogue import TABLES, table_name

Location = tuple[str | int, ...]
_WORDS: Mapping[str, str] = {
    "missing": "is missing",
    "int_type": "must be a whole number, without quotes",
    "float_type": "must be a number, without quotes",
    "bool_type": "must be true or false, without quotes",
    "string_type": "must be a text in quotes",
    "tuple_type": "must be a list",
    "model_type": "must be a section of its own",
    "model_attributes_type": "must be a table",
    "union_tag_not_found": 'is missing: say type = "..."',
    "union_tag_invalid": "must be {expected_tags}",
    "literal_error": "must be {expected}",
    "greater_than": "must be above {gt}",
    "finite_number": "must be a finite number",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must be one or more characters, control characters not among them",
    "too_short": "must not be empty",
    "path_type": "must be a path in quotes",
}


@dataclass
class Faults:
    """All faults so far. `variables` says which keys came from the environment."""

    file: str
    variables: dict[Location, str] = field(default_factory=dict)
    found: list[tuple[str, str]] = field(default_factory=list)

    def add(self, place: str, text: str) -> None:
        """One fault at a place that is written out already."""
        self.found.append((place, text))

    def at(self, location: Location, data: Mapping[str, Any], text: str) -> None:
        """One fault at a key, named by the variable or the file it came from."""
        self.found.append((self.place(location, data), text))

    def place(self, location: Location, data: Mapping[str, Any]) -> str:
        """`FILE: KEY`, or `environment: VARIABLE`."""
        if variable := self.variable(location):
            return f"environment: {variable}"
        return f"{self.file}: {dotted(location, data)}"

    def variable(self, location: Location) -> str | None:
        """The variable that a key, or the list that it stands in, came from."""
        lengths = range(len(location), 0, -1)
        return next((v for n in lengths if (v := self.variables.get(location[:n]))), None)


def dotted(location: Location, data: Mapping[str, Any]) -> str:
    """A location as the user knows it: tables of a list by name, other items by number."""
    value: Any = data
    parts: list[str] = []
    for step in location:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            value = None
        is_table = isinstance(step, int) and ".".join(parts) in TABLES
        name = table_name(value, step) if is_table and isinstance(step, int) else step
        parts.append(name if isinstance(name, str) else str(name + 1))
    return ".".join(parts)


def location_of(error: ErrorDetails) -> Location:
    """Where pydantic found it, without the type it puts behind the number of a table."""
    location = error["loc"]
    for name in TABLES:
        steps = tuple(name.split("."))
        at = len(steps) + 1
        if location[: len(steps)] == steps and len(location) > at:
            location = location[:at] + location[at + 1 :]
    if error["type"].startswith("union_tag"):
        location = (*location, "type")
    return location


def text_of(error: ErrorDetails, *, quotes: bool) -> str:
    """What is wrong, in words of ours; the value given is never repeated.

    `quotes` says whether the value stands in a file, where quotes make a difference.
    """
    if error["type"] == "value_error":
        return str(error["msg"]).removeprefix("Value error, ")
    context = error.get("ctx", {})
    if words := _WORDS.get(error["type"]):
        text = words.format_map(context)
        return text if quotes else text.replace(", without quotes", "").replace(" in quotes", "")
    return str(error["msg"])
