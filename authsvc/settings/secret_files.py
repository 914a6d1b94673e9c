"""Secrets given as files: `x_file = PATH` in place of `x = "..."`."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from .catalogue import TABLES, fields_of, fields_of_tables, is_secret, section_of
from .faults import Faults, Location
from .schema import Settings

_LIMIT = 64 * 1024


def read_all(data: dict[str, Any], base: Path, faults: Faults) -> None:
    """Replace every `x_file` in `data` by `x` with what the file holds."""
    for location, table, fields in _tables(data):
        for key, field in fields.items():
            if is_secret(field) and f"{key}_file" in table:
                _replace(data, (*location, f"{key}_file"), table, base, faults)


def _tables(
    data: dict[str, Any],
) -> Iterator[tuple[Location, dict[str, Any], dict[str, FieldInfo]]]:
    """Every table of the settings with its location and fields."""
    yield (), data, fields_of(Settings)
    for name, field in fields_of(Settings).items():
        section, value = section_of(field), data.get(name)
        if section and isinstance(value, dict):
            yield (name,), value, fields_of(section)
    for name in TABLES:
        *steps, key = name.split(".")
        place: Any = data.get(steps[0], {}) if steps else data
        listed = place.get(key) if isinstance(place, dict) else None
        for index, table in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(table, dict):
                fields = fields_of_tables(name, table.get("type"))
                yield (*steps, key, index), table, fields


def _replace(
    data: dict[str, Any], location: Location, table: dict[str, Any], base: Path, faults: Faults
) -> None:
    named = str(location[-1])
    key = named.removesuffix("_file")
    place = faults.place(location, data)
    path = table.pop(named)
    if key in table:
        faults.add(place, f"contradicts {key}: set one of the two")
        return
    table[key] = ""  # so that a file that cannot be read is one fault, not also a missing key
    if not isinstance(path, str) or not path:
        faults.add(place, "must be a path in quotes")
        return
    try:
        table[key] = read(base / path)
    except (OSError, ValueError) as fault:
        table.pop(key)
        faults.add(place, getattr(fault, "strerror", None) or str(fault))
        return
    faults.variables[(*location[:-1], key)] = place.removeprefix("environment: ")


def read(path: Path) -> str:
    """The secret in a file, without the line end behind it.

    Raises OSError when it cannot be read, and ValueError with the fix when everybody may read
    it (threat PX-12) or it holds no secret.
    """
    # Without waiting: opening a pipe would wait for somebody who writes into it, for ever.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode):
            raise ValueError(f"{path} is no regular file")
        if mode & stat.S_IROTH:
            raise ValueError(f"everybody can read {path}; run: chmod o-rwx {path}")
        content = file.read(_LIMIT + 1)
    text = content.decode("utf-8", errors="strict") if len(content) <= _LIMIT else ""
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise ValueError(f"{path} is empty or above 64 KiB")
    return text
