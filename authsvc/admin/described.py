"""What OpenAPI says of an operation."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import models_json_schema

from .bodies import MAX_BODY
from .call import LONGEST_KEY, Operation
from .paging import DEFAULT, LARGEST, LONGEST

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
STATUSES = {
    "401": "Credentials are missing or wrong.",
    "403": "The caller may see this but not change it.",
    "404": "It is not there, or the caller may not see it.",
    "409": "A rule (the last administrator) or the present state (a name taken) refuses.",
    "412": "The item has changed since it was read.",
    "413": "The body is longer than 16 KiB; 1 MiB for a group, 7 MiB for a policy.",
    "415": "The body is not application/json.",
    "422": "A value is wrong; `errors` says which.",
    "428": "If-Match is missing.",
    "503": "Something needed did not answer; Retry-After says when to come back.",
}
WAIT = "Seconds."
CHALLENGE = "Basic, and its realm."
TAG = "The strong entity tag of the item."
TEXT = {"type": "string", "maxLength": LONGEST}
ROW = {"type": "integer", "minimum": 1}
KEY = {"type": "string", "pattern": "^[ -~]+$", "minLength": 1, "maxLength": LONGEST_KEY}
_REF = "#/components/schemas/{model}"
PARTIAL = "Change"
READING = ("401", "404", "422", "503")
WRITING = ("401", "403", "404", "409", "412", "413", "415", "422", "503")


CLOSED = ConfigDict(extra="forbid")


class Fault(BaseModel):
    """One wrong value and its place in the body."""

    model_config = CLOSED

    pointer: str
    detail: str


class Problem(BaseModel):
    """An error (RFC 9457)."""

    model_config = CLOSED

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[Fault] = []


@dataclass(frozen=True, slots=True)
class Described:
    """An operation, and what its callers must know of it.

    `answer` is what comes back, `listed` when many, `tagged` when with an entity tag; `body` what
    it takes, `partial` when every member of that may be left out, in `most` bytes,
    `once` when a repeat can be made safe. `asks` says that a POST changes nothing. `shapes` are
    the schemas of those `filters` that are no text of any kind, `key` that of an id in the path.
    """

    operation: Operation
    summary: str
    answer: type[BaseModel]
    listed: bool = False
    status: str = "200"
    body: type[BaseModel] | None = None
    partial: bool = False
    example: Mapping[str, Any] | None = None
    filters: Mapping[str, str] = field(default_factory=dict)
    shapes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    key: Mapping[str, Any] = field(default_factory=lambda: ROW)
    tagged: bool = False
    once: bool = False
    asks: bool = False
    most: int = MAX_BODY
    paged: bool = False
    counted: bool = False

    def openapi(self, method: str, path: str) -> dict[str, Any]:
        """The operation object."""
        described: dict[str, Any] = {
            "parameters": [*self._query(), *self._headers(method), *self._path(path)],
            "responses": self._responses(method),
            "security": [{"basic": []}, {"bearer": []}],
        }
        if self.body is not None:
            media: dict[str, Any] = {"schema": _ref(self.body, partial=self.partial)}
            if self.example is not None:
                media["example"] = self.example
            content = {"application/json": media}
            described["requestBody"] = {"required": True, "content": content}
        return described

    def _query(self) -> list[dict[str, Any]]:
        found = [
            _parameter("query", name, text, self.shapes.get(name, TEXT))
            for name, text in self.filters.items()
        ]
        if self.paged:
            limit = {"type": "integer", "minimum": 1, "maximum": LARGEST, "default": DEFAULT}
            found += [
                _parameter("query", "limit", "How many items at most.", limit),
                _parameter("query", "cursor", "Where to go on, out of a Link header."),
            ]
        return found

    def _responses(self, method: str) -> dict[str, Any]:
        one = _ref(self.answer)
        schema = {"type": "array", "items": one} if self.listed else one
        content = {"application/json": {"schema": schema}}
        good = {"description": "Done.", "content": content, "headers": self._told()}
        found = {self.status: good}
        if self.status == "201":
            found["200"] = {**good, "description": "It was there already, just so."}
        codes = READING if method == "GET" else WRITING
        codes = (*codes, "428") if method == "PATCH" else codes
        return found | {code: _problem(code) for code in codes}

    def _told(self) -> dict[str, Any]:
        """The headers of a good answer."""
        told = {"ETag": _header(TAG)} if self.tagged else {}
        if self.status == "201":
            told["Location"] = _header("The path of the item.")
        if self.paged:
            told["Link"] = _header("The next page, unless this is the last one.", required=False)
        if self.counted:
            total = {"type": "integer", "minimum": 0}
            told["X-Total-Count"] = _header("How many items there are in all.", schema=total)
        return told

    def _headers(self, method: str) -> list[dict[str, Any]]:
        if self.once:
            text = "Makes a repeat safe, for 24 hours."
            return [_parameter("header", "Idempotency-Key", text, KEY)]
        if method in ("PATCH", "DELETE"):
            text = "The ETag of the item as it was read."
            return [_parameter("header", "If-Match", text) | {"required": method == "PATCH"}]
        return []

    def _path(self, path: str) -> list[dict[str, Any]]:
        named = _parameter("path", "id", "The item's id.", self.key) | {"required": True}
        return [named] * ("{id}" in path)


Operations = Mapping[tuple[str, str], Described]
"""Operations by method and path."""


def components(described: Iterable[Described]) -> dict[str, Any]:
    """The schemas that operations refer to, by name."""
    found = list(described)
    bodies = [one.body for one in found if one.body is not None]
    models: set[type[BaseModel]] = {Problem, *(one.answer for one in found), *bodies}
    named = sorted(models, key=lambda model: model.__name__)
    _, document = models_json_schema([(model, "validation") for model in named], ref_template=_REF)
    schemas: dict[str, Any] = document["$defs"]
    for body in {one.body for one in found if one.body and one.partial}:
        schemas[body.__name__ + PARTIAL] = _partial(schemas[body.__name__])
    return schemas


def _partial(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same, but that every member may be left out, which leaves it as it is."""
    members = {
        name: {word: value for word, value in member.items() if word != "default"}
        for name, member in schema["properties"].items()
    }
    return {**{k: v for k, v in schema.items() if k != "required"}, "properties": members}


def _ref(model: type[BaseModel], *, partial: bool = False) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__ + (PARTIAL if partial else ""))}


def _problem(code: str) -> dict[str, Any]:
    told = {"401": {"WWW-Authenticate": _header(CHALLENGE)}, "503": {"Retry-After": _header(WAIT)}}
    return {"description": STATUSES[code], "content": PROBLEM, "headers": told.get(code, {})}


def _header(
    text: str, *, required: bool = True, schema: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    return {"description": text, "required": required, "schema": schema or {"type": "string"}}


def _parameter(
    place: str, name: str, text: str, schema: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    return {"in": place, "name": name, "description": text, "schema": schema or {"type": "string"}}
