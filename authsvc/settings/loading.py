"""From a settings file and an environment to `Settings`, or to all that is wrong with them."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from authsvc.errors import InvalidSettings

from . import environment, secret_files
from .catalogue import TABLES, fields_of, keys_of, nearest, section_of
from .faults import Faults, Location, location_of, text_of
from .schema import Settings

DEFAULT_FILE = "authsvc.toml"


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """The settings of `path`, else of `AUTHSVC_CONFIG`, else of `authsvc.toml` where it exists.

    Variables of `environ` override the file. Raises InvalidSettings with every fault.
    """
    file = _choose(path, environ)
    base = file.parent if file else Path.cwd()
    faults = Faults(str(path or file or "settings"))
    data = _read(file) if file else {}
    _prune(data, Settings, (), data, faults)
    environment.apply(environ, data, faults)
    secret_files.read_all(data, base, faults)
    _cross_checks(data, faults)
    settings = _validated(data, base, faults)
    if faults.found or settings is None:
        raise _invalid(faults.found)
    return settings.model_copy(update={"file": file})


def _choose(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    named = path or (Path(text) if (text := environ.get(environment.CONFIG)) else None)
    if named is None:
        default = Path.cwd() / DEFAULT_FILE
        return default if default.exists() else None
    if not named.exists():
        raise _invalid([(str(named), "the settings file is not there")])
    return named.absolute()


def _read(file: Path) -> dict[str, Any]:
    """The settings file as it is written. Raises InvalidSettings with the line at fault."""
    try:
        return tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as fault:
        problem = (str(file), f"cannot be read: {fault.strerror}")
    except UnicodeDecodeError as fault:
        line = fault.object[: fault.start].count(b"\n") + 1
        problem = (f"{file}:{line}", "is not UTF-8")
    except tomllib.TOMLDecodeError as fault:
        problem = _toml_problem(file, str(fault))
    raise _invalid([problem])


def _toml_problem(file: Path, message: str) -> tuple[str, str]:
    found = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    if not found:
        return str(file), f"is not TOML: {message}"
    return f"{file}:{found[1]}:{found[2]}", f"is not TOML: {message[: found.start()]}"


def _invalid(found: list[tuple[str, str]]) -> InvalidSettings:
    count = "1 fault" if len(found) == 1 else f"{len(found)} faults"
    return InvalidSettings(
        f"{count} in the settings", advice=f"{found[0][0]}: {found[0][1]}", faults=found
    )


def _prune(
    table: dict[str, Any],
    model: type[BaseModel],
    location: Location,
    data: dict[str, Any],
    faults: Faults,
) -> None:
    """Take unknown keys out of `table` and below it, each as a fault."""
    known = set(keys_of(model))
    for key in list(table):
        here = (*location, key)
        if key not in known:
            _unknown(here, data, faults)
            del table[key]
        elif (field := fields_of(model).get(key)) and (section := section_of(field)):
            if isinstance(table[key], dict):
                _prune(table[key], section, here, data, faults)
        elif (name := ".".join(map(str, here))) in TABLES and isinstance(table[key], list):
            for index, item in enumerate(table[key]):
                chosen = TABLES[name].get(str(item.get("type"))) if isinstance(item, dict) else None
                if chosen:
                    _prune(item, chosen, (*here, index), data, faults)


def _unknown(location: Location, data: dict[str, Any], faults: Faults) -> None:
    named = [step for step in location if isinstance(step, str)]
    source = ""
    if named[0] == "sources" and len(named) > 1:
        source = str(data["sources"][location[1]].get("name", "NAME"))
        named.insert(1, "NAME")
    meant = nearest(".".join(named)).replace("NAME", source or "NAME")
    faults.at(location, data, f"unknown; the nearest is {meant}")


def _cross_checks(data: dict[str, Any], faults: Faults) -> None:
    """What more than one key decides; kept apart, so that it is said beside single faults."""
    server = data.get("server")
    if isinstance(server, dict) and bool(server.get("tls_cert")) != bool(server.get("tls_key")):
        missing = "tls_key" if server.get("tls_cert") else "tls_cert"
        faults.at(("server", missing), data, "is missing: a certificate needs its key, and back")
    sources = data.get("sources")
    seen: set[str] = set()
    for index, source in enumerate(sources if isinstance(sources, list) else ()):
        if isinstance(source, dict):
            _check_source(source, index, data, faults, seen)


def _check_source(
    source: dict[str, Any], index: int, data: dict[str, Any], faults: Faults, seen: set[str]
) -> None:
    name = source.get("name")
    form = re.sub(r"[.-]", "_", name) if isinstance(name, str) else ""
    if form and form in seen:
        text = "is taken by another source (in the environment, . and - are written _)"
        faults.at(("sources", index, "name"), data, text)
    seen.add(form)
    if source.get("type") == "ldap":
        _check_ldap(source, ("sources", index), data, faults)


def _check_ldap(source: dict[str, Any], at: Location, data: dict[str, Any], faults: Faults) -> None:
    if bool(source.get("bind_dn")) != bool(source.get("bind_password")):
        text = "is missing: bind_dn and bind_password (or bind_password_file) belong together"
        missing = "bind_password" if source.get("bind_dn") else "bind_dn"
        if not any(place.endswith("bind_password_file") for place, _ in faults.found):
            faults.at((*at, missing), data, text)
    urls = source.get("urls")
    encrypted = isinstance(urls, list) and any(str(url).startswith("ldaps:") for url in urls)
    if source.get("start_tls") is True and encrypted:
        faults.at((*at, "start_tls"), data, "is for ldap:// only: ldaps:// is TLS from the start")


def _validated(data: dict[str, Any], base: Path, faults: Faults) -> Settings | None:
    try:
        return Settings.model_validate(data, context={"base": base})
    except ValidationError as invalid:
        for error in invalid.errors(include_input=False, include_url=False):
            location = location_of(error)
            quotes = faults.variable(location) is None
            faults.at(location, data, text_of(error, quotes=quotes))
        return None
