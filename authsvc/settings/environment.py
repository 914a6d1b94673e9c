"""Settings from the environment: `AUTHSVC_` + key, sections joined by `__`, sources by name."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_origin

from pydantic import BeforeValidator
from pydantic.fields import FieldInfo

from .catalogue import (
    TABLES,
    fields_of,
    fields_of_tables,
    is_secret,
    nearest,
    section_of,
)
from .faults import Faults, Location
from .schema import Settings

PREFIX = "AUTHSVC_"
CONFIG = "AUTHSVC_CONFIG"  # names the settings file; no setting itself
# Kubernetes sets these in every pod beside a Service that is called `authsvc`.
_SERVICE_LINKS = re.compile(
    r"AUTHSVC_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)
_TRUTH = {"true": True, "1": True, "yes": True, "on": True}
_TRUTH |= {"false": False, "0": False, "no": False, "off": False}


@dataclass(frozen=True, slots=True)
class Override:
    """One variable: which key it sets, and the value as the settings file would hold it."""

    location: Location
    value: Any


def apply(environ: Mapping[str, str], data: dict[str, Any], faults: Faults) -> None:
    """Set in `data` what the environment overrides; variables that name no key are faults."""
    for variable, text in _ours(environ):
        parts = tuple(variable.removeprefix(PREFIX).lower().split("__"))
        override = _override(parts, text, data, environ)
        if override is None:
            meant = nearest(".".join(parts))
            faults.add(f"environment: {variable}", f"unknown; the nearest is {_variable(meant)}")
        elif problem := _put(data, override, faults.variables):
            faults.add(f"environment: {variable}", problem)
        else:
            faults.variables[override.location] = variable


def _ours(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for variable, text in sorted(environ.items(), key=_types_first):
        if variable.startswith(PREFIX) and variable != CONFIG:
            link = _SERVICE_LINKS.fullmatch(variable)
            if not link or (variable == "AUTHSVC_PORT" and "://" not in text):
                yield variable, text


def _types_first(item: tuple[str, str]) -> tuple[int, str]:
    """A whole list comes before what names one of its sources."""
    return item[0].count("__"), item[0]


def _override(
    parts: tuple[str, ...], text: str, data: dict[str, Any], environ: Mapping[str, str]
) -> Override | None:
    """What a variable sets; None when there is no such key."""
    found = _section(parts[:-1], data, environ)
    if found is None:
        return None
    section, fields = found
    field = _field(parts[-1], fields)
    if field is None or section_of(field) is not None:
        return None
    return Override((*section, parts[-1]), _convert(field, text, parts))


def _section(
    names: tuple[str, ...], data: dict[str, Any], environ: Mapping[str, str]
) -> tuple[Location, Mapping[str, FieldInfo]] | None:
    """The location and the fields of the section that a variable names, None without one."""
    fields = fields_of(Settings)
    if not names:
        return (), fields
    if len(names) == 1 and names[0] in fields and (section := section_of(fields[names[0]])):
        return names, fields_of(section)
    if len(names) == 2 and names[0] == "sources":
        index = _source(names[1], data, environ)
        if index is not None:
            tables = fields_of_tables("sources", data["sources"][index].get("type"))
            return ("sources", index), tables
    return None


def _field(key: str, fields: Mapping[str, FieldInfo]) -> FieldInfo | None:
    if key in fields:
        return fields[key]
    secret = fields.get(key.removesuffix("_file"))
    return secret if key.endswith("_file") and secret and is_secret(secret) else None


def _source(name: str, data: dict[str, Any], environ: Mapping[str, str]) -> int | None:
    """The place of the source in the list; one whose type stands in the environment is added."""
    listed = data.setdefault("sources", [])
    if not isinstance(listed, list):
        return None
    for index, source in enumerate(listed):
        if isinstance(source, dict) and _same(source.get("name"), name):
            return index
    kind = environ.get(f"{PREFIX}SOURCES__{name.upper()}__TYPE")
    if kind is None:
        return None
    listed.append({"name": name, "type": kind})
    return len(listed) - 1


def _same(stored: object, name: str) -> bool:
    """A variable's name holds no `-` and no `.`: there both are `_`."""
    return isinstance(stored, str) and re.sub(r"[.-]", "_", stored.lower()) == name


def _convert(field: FieldInfo, text: str, parts: tuple[str, ...]) -> Any:
    """The text as a TOML file would hold it; what does not convert is left for the checks."""
    if get_origin(field.annotation) is tuple:
        return _list(text, as_json=".".join(parts) in TABLES)
    if any(isinstance(item, BeforeValidator) for item in field.metadata):
        return text
    if field.annotation is bool:
        return _TRUTH.get(text.strip().lower(), text)
    if field.annotation in (int, float) and re.fullmatch(r"-?[0-9]{1,18}", text.strip()):
        return int(text)
    if field.annotation is float and re.fullmatch(r"-?[0-9]{1,9}\.[0-9]{1,9}", text.strip()):
        return float(text)
    return text


def _list(text: str, *, as_json: bool) -> Any:
    if as_json or text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return [item.strip() for item in text.split(",") if item.strip()]


def _put(data: dict[str, Any], override: Override, variables: Mapping[Location, str]) -> str | None:
    """Set the value; the text of a fault when that cannot be.

    Of `x` and `x_file` the environment's one counts over the file's; both of them in the
    environment contradict each other.
    """
    *steps, key = override.location
    place: Any = data
    for step in steps:
        place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
    if not isinstance(place, dict):
        return "its section is no table in the settings file"
    name = str(key)
    other = name.removesuffix("_file") if name.endswith("_file") else f"{name}_file"
    if rival := variables.get((*steps, other)):
        return f"contradicts {rival}: set one of the two"
    place.pop(other, None)
    place[name] = override.value
    return None


def _variable(key: str) -> str:
    return PREFIX + key.upper().replace(".", "__")
