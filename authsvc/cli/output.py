"""Printing: JSON for programs, and words and tables for people. Results go to standard output."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import typer

from .session import options


def result(context: typer.Context, value: Any, text: str) -> None:
    """What a command did: `value` with --json, else `text`."""
    print(_json(value) if options(context).json else clean(text))


def item(context: typer.Context, value: Mapping[str, Any]) -> None:
    """One item: a line for each member, or one JSON object."""
    if options(context).json:
        print(_json(value))
        return
    width = max(map(len, value))
    for name, held in value.items():
        print(f"{name:<{width}}  {_word(held)}".rstrip())


def table(
    context: typer.Context, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]
) -> None:
    """A list of items: a table of `columns`, or one JSON array of whole items."""
    if options(context).json:
        print(_json(rows))
    elif rows:
        _print_table([[_word(row[name]) for name in columns] for row in rows], columns)


def note(text: str) -> None:
    """Something worth knowing that is no result: standard error."""
    print(clean(text), file=sys.stderr)


def clean(text: str) -> str:
    """`text` without characters that could steer a terminal; new lines stay."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


def _json(value: Any) -> str:
    return json.dumps(value, indent=2)


def _word(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return clean(value).replace("\n", " ")
    if isinstance(value, Iterable) and not isinstance(value, Mapping):
        return ", ".join(_word(each) for each in value) or "-"
    return clean(json.dumps(value) if isinstance(value, Mapping) else str(value))


def _print_table(rows: list[list[str]], columns: Sequence[str]) -> None:
    """Boxed and folded to a terminal's width; plain columns, whole lines, when piped."""
    titles = [name.upper().replace("_", " ") for name in columns]
    if sys.stdout.isatty():
        _draw(rows, titles)
        return
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    for row in (titles, *rows):
        padded = (word.ljust(width) for word, width in zip(row, widths, strict=True))
        print("  ".join(padded).rstrip())


def _draw(rows: list[list[str]], titles: Sequence[str]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in titles:
        drawn.add_column(title, overflow="fold")
    for row in rows:
        drawn.add_row(*row)
    Console(markup=False, emoji=False, highlight=False).print(drawn)
