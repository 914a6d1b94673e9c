"""Policy files and folders as bytes, each read once from one descriptor.

What a folder holds may come from a branch that nobody has looked at yet: links that lead out of
it, pipes, devices, and files without end are faults, and nothing outside is read for them.
"""

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from authsvc.changes.faults import Faults
from authsvc.errors import Invalid

from .placed import MAX_BYTES

MAX_BYTES_OF_ALL = 64 * 1024 * 1024
MAX_FILES = 10_000
SUFFIXES = frozenset({".yaml", ".yml", ".json"})
SCHEMA_SUFFIX = ".schema.json"  # no policy: an editor completes policies by it
STANDARD_INPUT = "-"
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe keeps nobody waiting


def read(paths: Sequence[Path]) -> list[tuple[str, bytes]]:
    """The name, safe to print, and the content of every file that `paths` name, each file once.

    A folder stands for the *.yaml, *.yml and *.json in it and below it, by name, without what is
    hidden and without JSON Schemas; `-` is standard input.
    Raises `Invalid` with all faults; a place is FILE:1:1.
    """
    faults = Faults()
    contents: dict[Path, tuple[str, bytes]] = {}
    left = MAX_BYTES_OF_ALL
    for file in (each for path in paths for each in _files(path, faults)):
        real = _real(file)
        if real in contents:
            continue
        with faults.at(_place(file)):
            data = _standard_input() if str(file) == STANDARD_INPUT else _content(real)
            contents[real] = (_printable(file), data)
            left -= len(data)
        if left < 0 or len(contents) > MAX_FILES:
            most = f"{MAX_FILES:,} files of {MAX_BYTES_OF_ALL // 1024**2} MiB together"
            faults.add(_place(file), f"this is too much: a policy has at most {most}")
            break
    faults.refuse()
    return list(contents.values())


def _files(path: Path, faults: Faults) -> Iterator[Path]:
    """A file itself, or the policy files of a folder; none there is a fault."""
    if not _is_folder(path):
        yield path
        return
    some = False
    for file in _within(path, faults):
        some = True
        yield file
    if not some:
        faults.add(_place(path), "there is no policy file in it: name *.yaml, *.yml or *.json")


def _within(folder: Path, faults: Faults) -> Iterator[Path]:
    root = _real(folder)
    waiting, walked = [folder], set[Path]()
    while waiting:
        each = waiting.pop()
        real = _real(each)
        if not (_is_named(each) or _is_folder(real)):
            continue
        if not real.is_relative_to(root):
            faults.add(_place(each), "this leads out of the folder: name what is there by itself")
        elif not _is_folder(real):
            yield each
        elif real not in walked:
            walked.add(real)
            with faults.at(_place(each)):
                waiting += sorted(_children(each), reverse=True)


def _children(folder: Path) -> list[Path]:
    try:
        return [each for each in folder.iterdir() if not each.name.startswith(".")]
    except OSError as error:
        raise Invalid(f"this folder cannot be read: {error.strerror}") from error


def _is_named(path: Path) -> bool:
    """Whether this is named as a policy file is."""
    return path.suffix in SUFFIXES and not path.name.endswith(SCHEMA_SUFFIX)


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - it says no where it may not look


def _real(path: Path) -> Path:
    """Where it lies once all links are followed; links that go round stay as they are."""
    return Path(os.path.realpath(path))


def _content(real: Path) -> bytes:
    """The bytes of a file as they were at one moment; raises `Invalid`."""
    try:
        with os.fdopen(os.open(real, _FLAGS), "rb") as file:
            before = os.fstat(file.fileno())
            if not stat.S_ISREG(before.st_mode):
                raise Invalid("this is no file: `-` reads standard input")
            data = file.read(MAX_BYTES + 1)
            after = os.fstat(file.fileno())
    except OSError as error:
        raise Invalid(f"this cannot be read: {error.strerror}") from error
    _check_size(max(len(data), before.st_size))
    if (before.st_size, before.st_mtime_ns) != (len(data), after.st_mtime_ns):
        raise Invalid("this changed while it was read", advice="run it again when it is written")
    return data


def _standard_input() -> bytes:
    data = sys.stdin.buffer.read(MAX_BYTES + 1) if sys.stdin else b""
    _check_size(len(data))
    return data


def _check_size(size: int) -> None:
    if size > MAX_BYTES:
        raise Invalid(f"a file has at most {MAX_BYTES // 1024**2} MiB")


def _place(path: Path) -> str:
    return f"{_printable(path)}:1:1"


def _printable(path: Path) -> str:
    """The name with what is not UTF-8, and what could steer a terminal, as escapes."""
    if str(path) == STANDARD_INPUT:
        return "<stdin>"
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
