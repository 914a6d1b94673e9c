"""`authsvc policy`: policy files."""

from pathlib import Path
from typing import Annotated, Any

import typer

from . import output
from .session import actor, opened

app = typer.Typer(no_args_is_help=True, help="Policy files.")

SUFFIXES = frozenset({".yaml", ".yml", ".json"})


@app.callback()
def group() -> None:
    """Policy files."""


@app.command()
def apply(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE_OR_DIR...")],
) -> None:
    """Add what is missing, in one transaction; what is there already is not touched."""
    from authsvc.changes.policy.apply import submit_files

    contents = [(str(file), content(file)) for each in files for file in _expanded(each)]
    with opened(context) as parts:
        value = submit_files(parts.unit_of_work, actor(), contents)
    output.result(context, value, summary(value))


def summary(value: dict[str, Any]) -> str:
    """What `apply` did, in one line."""
    added = [f"{len(items)} {noun}" for noun, items in value["added"].items() if items]
    return f"added {', '.join(added) or 'nothing'}; {value['unchanged']} were there already"


def content(file: Path) -> bytes:
    """The bytes of a policy file; raises `Invalid`."""
    from authsvc.changes.policy.placed import MAX_BYTES
    from authsvc.errors import Invalid

    try:
        with file.open("rb") as opened_file:
            return opened_file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}") from error


def _expanded(path: Path) -> list[Path]:
    """A file itself, or the policy files directly in a folder, by name."""
    from authsvc.errors import Invalid

    if not path.is_dir():
        return [path]
    files = [each for each in path.iterdir() if each.suffix in SUFFIXES and each.is_file()]
    if not files:
        raise Invalid(f"there is no policy file in {path}", advice="name *.yaml, *.yml or *.json")
    return sorted(files)
