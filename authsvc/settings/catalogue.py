"""Which keys there are, read off the models, and which known one a mistyped key was meant to be."""

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from .schema import FileSink, Settings, SyslogSink
from .sources import HtpasswdSource, LdapSource

# Lists of tables: what a table of each type is.
TABLES: Mapping[str, Mapping[str, type[BaseModel]]] = {
    "sources": {"htpasswd": HtpasswdSource, "ldap": LdapSource},
    "audit.sinks": {"syslog": SyslogSink, "file": FileSink},
}
_NOT_A_KEY = "file"  # a member of Settings that is no setting


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The settings of one section by key."""
    fields = dict(model.model_fields)
    if model is Settings:
        del fields[_NOT_A_KEY]
    return fields


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """The model of a key that is a section, None for a plain key."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def is_secret(field: FieldInfo) -> bool:
    """Whether the key may also be given as a file, under its name and `_file`."""
    return SecretStr in (field.annotation, *get_args(field.annotation))


def keys_of(model: type[BaseModel]) -> Iterator[str]:
    """All keys that one section takes, `x_file` of secret ones included."""
    for key, field in fields_of(model).items():
        yield key
        if is_secret(field):
            yield f"{key}_file"


def fields_of_tables(name: str, type_: object) -> dict[str, FieldInfo]:
    """The fields of a table of this type; of all types when the type is not known."""
    models = TABLES[name]
    chosen = [models[type_]] if isinstance(type_, str) and type_ in models else models.values()
    return {key: field for model in chosen for key, field in fields_of(model).items()}


def known_keys() -> tuple[str, ...]:
    """Every key in full; one of a list of tables as `sources.NAME.path`, `audit.sinks.path`."""
    return tuple(sorted(set(_walk(Settings, ""))))


def _walk(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for key in keys_of(model):
        field = fields_of(model).get(key)
        section = section_of(field) if field else None
        full = f"{prefix}{key}"
        if section:
            yield from _walk(section, f"{full}.")
        elif full in TABLES:
            inner = "sources.NAME." if full == "sources" else f"{full}."
            for table in TABLES[full].values():
                yield from _walk(table, inner)
        else:
            yield full


def nearest(key: str) -> str:
    """The known key (or section) that `key`, written in full, comes nearest to."""
    known = known_keys()
    sections = {".".join(name.split(".")[:-1]) for name in known if "." in name} - {"sources.NAME"}
    candidates = [*known, *sections]
    last = key.rsplit(".", 1)[-1]
    same = [name for name in candidates if name.rsplit(".", 1)[-1] == last]
    return max(same or candidates, key=lambda name: SequenceMatcher(None, key, name).ratio())


def table_name(value: Any, index: int) -> str:
    """How a fault names one table of a list: by its `name` when it has one, else by number."""
    name = value.get("name") if isinstance(value, dict) else None
    return name if isinstance(name, str) and name else str(index + 1)
