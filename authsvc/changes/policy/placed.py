"""YAML text as plain values that know their place. Pure.

Only what JSON can say is taken, in the core schema of YAML 1.2 (yaml.org/spec/1.2.2, 10.3): `on`
and `no` are texts, a time stays a text. Tags, anchors, aliases, merge keys, several documents,
keys that come twice and deep nesting are faults, so that reading is linear in the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from authsvc.changes.faults import Faults

MAX_BYTES = 16 * 1024 * 1024  # of one document: some 100,000 grants
MAX_DEPTH = 16  # a policy needs 4

_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}", re.ASCII)
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}

Place: TypeAlias = tuple[int, int]


@dataclass(slots=True)
class Node:
    """A value and where it stands, counted from 1; `key` is where its member's name stands."""

    value: "str | int | bool | list[Node] | dict[str, Node] | None"
    at: Place
    key: Place | None = None


@dataclass(slots=True)
class _Open:
    """A list or an object that is being read."""

    node: Node
    name: str | None = None
    named_at: Place | None = None
    waits_for_name: bool = field(default=False)


class _Refused(Exception):
    """Reading stops here; it never leaves this module."""

    def __init__(self, at: Place, text: str) -> None:
        super().__init__(text)
        self.at = at


def read(name: str, data: bytes, faults: Faults) -> Node | None:
    """The document in `data`; None when it is empty or cannot be read, which is a fault."""
    if len(data) > MAX_BYTES:
        faults.add(f"{name}:1:1", f"a policy has at most {MAX_BYTES // 1024**2} MiB")
        return None
    try:
        text = data.decode("utf-8-sig")
        return _tree(yaml.parse(text, Loader=_Parser), name, faults)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        faults.add(f"{name}:{line}:1", "this is not UTF-8")
    except _Refused as error:
        faults.add(f"{name}:{error.at[0]}:{error.at[1]}", str(error))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, column = _place_of(mark)
        problem = getattr(error, "problem", None) or "a character that YAML does not admit"
        faults.add(f"{name}:{line}:{column}", f"this is no YAML: {problem}")
    return None


def plain(node: Node) -> Any:
    """The value without places."""
    if isinstance(node.value, list):
        return [plain(each) for each in node.value]
    if isinstance(node.value, dict):
        return {name: plain(each) for name, each in node.value.items()}
    return node.value


def place(node: Node, location: tuple[int | str, ...]) -> Place:
    """Where `location` stands below `node`, or the nearest thing around it that is there."""
    for step in location:
        held = node.value
        if isinstance(held, dict) and step in held:
            node = held[str(step)]
        elif isinstance(held, list) and isinstance(step, int) and step < len(held):
            node = held[step]
        else:
            break
    return node.at


def _tree(events: Iterator[yaml.Event], name: str, faults: Faults) -> Node | None:
    root: Node | None = None
    stack: list[_Open] = []
    for event in events:
        at = _place_of(event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent) and root is not None:
            raise _Refused(at, "one document in a file")
        if isinstance(event, yaml.CollectionEndEvent):
            stack.pop()
        elif isinstance(event, yaml.NodeEvent):
            node = _node(event, at)
            if stack:
                _put(stack[-1], node, name, faults)
            else:
                root = node
            if not isinstance(event, yaml.ScalarEvent):
                if len(stack) == MAX_DEPTH:
                    raise _Refused(at, f"nested deeper than {MAX_DEPTH}")
                mapping = isinstance(event, yaml.MappingStartEvent)
                stack.append(_Open(node, waits_for_name=mapping))
    return root


def _place_of(mark: Any) -> Place:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _node(event: yaml.NodeEvent, at: Place) -> Node:
    if isinstance(event, yaml.AliasEvent) or event.anchor:
        raise _Refused(at, "anchors and aliases are not taken: write it out")
    if isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)) and event.tag:
        raise _Refused(at, "tags are not taken")
    if isinstance(event, yaml.ScalarEvent):
        return Node(_scalar(event), at)
    return Node([] if isinstance(event, yaml.SequenceStartEvent) else {}, at)


def _scalar(event: yaml.ScalarEvent) -> str | int | bool | None:
    text: str = event.value
    if not event.implicit[0]:  # quoted or a block: always text
        return text
    if text in _WORDS:
        return _WORDS[text]
    return int(text) if _INTEGER.fullmatch(text) else text


def _put(opened: _Open, node: Node, name: str, faults: Faults) -> None:
    """Add a value to the list or object that is open; in an object every other one is a name."""
    held = opened.node.value
    if isinstance(held, list):
        held.append(node)
    elif isinstance(held, dict) and opened.waits_for_name:
        if isinstance(node.value, (list, dict)):
            raise _Refused(node.at, "a member's name is a text")
        opened.name, opened.named_at = str(node.value), node.at
        opened.waits_for_name = False
    elif isinstance(held, dict) and opened.name is not None and opened.named_at is not None:
        opened.waits_for_name = True
        node.key = opened.named_at
        if opened.name in held:
            line, column = opened.named_at
            faults.add(f"{name}:{line}:{column}", f"'{opened.name}' stands here twice")
        held[opened.name] = node
