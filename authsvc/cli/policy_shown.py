"""What `authsvc policy` prints: plans, tests, findings, and how far it has come."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import typer

from . import output
from .session import options

if TYPE_CHECKING:
    from authsvc.access.trials import Trial
    from authsvc.changes.policy.lint import Finding

_SIGNS = {"added": "+", "changed": "~", "removed": "-"}
_ONE = {
    "registries": "registry", "namespaces": "namespace", "roles": "role", "groups": "group",
    "grants": "grant", "robots": "robot",
}  # fmt: skip
MOST_NAMES = 20  # robots that are named
MOST_LINES = 200  # differences that are printed for people; --json has them all


def plan(value: Mapping[str, Any]) -> str:
    """Every difference, who gains and who loses, and a summary."""
    lines = [
        f"{sign} {_ONE[kind]} {_said(word, each)}"
        for word, sign in _SIGNS.items()
        for kind, held in value[word].items()
        for each in held
    ]
    shown = lines[:MOST_LINES]
    if len(lines) > len(shown):
        shown.append(f"and {len(lines) - len(shown)} more; --json shows them all")
    warnings = [f"warning: {each}" for each in value["warnings"]]
    return "\n".join([*shown, *_effects(value["effects"]), *warnings, summary(value, planned=True)])


def differs(value: Mapping[str, Any]) -> bool:
    """Whether a plan would make anything different."""
    return any(held for word in _SIGNS for held in value[word].values())


def summary(value: Mapping[str, Any], *, planned: bool = False) -> str:
    """What is done, or would be, in one line."""
    said = []
    for word in _SIGNS:
        counts = [_count(len(held), kind) for kind, held in value[word].items() if held]
        if counts:
            said.append(f"{'to be ' * planned}{word}: {', '.join(counts)}")
    return f"{'; '.join(said) or 'no difference'}; {value['unchanged']} as they should be already"


def secretless(value: Mapping[str, Any]) -> None:
    """Say on standard error which robots came, since nobody can sign in as one of them yet."""
    names = [each["name"] for each in value["added"]["robots"]]
    if names:
        more = [f"and {len(names) - MOST_NAMES} more"] * (len(names) > MOST_NAMES)
        said = ", ".join([*names[:MOST_NAMES], *more])
        output.note(f"without a secret until `authsvc robot rotate NAME`: {said}")


def _count(number: int, kind: str) -> str:
    return f"one {_ONE[kind]}" if number == 1 else f"{number} {kind}"


def trials(context: typer.Context, done: Sequence[Trial]) -> int:
    """Print how tests went; how many failed."""
    from authsvc.access.trials import shape

    failed = sum(not each.held for each in done)
    if options(context).json:
        value = {"passed": len(done) - failed, "failed": failed, "tests": list(map(shape, done))}
        output.result(context, value, "")
        return failed
    for each in done:
        if not each.held:
            print(output.clean(trial(each)))
    print(f"{len(done) - failed} passed, {failed} failed")
    return failed


def trial(each: Trial) -> str:
    """One test: that it holds, or all that speaks about why not."""
    from authsvc.access.trials import told

    return told(each)


def findings(context: typer.Context, found: Sequence[Finding]) -> None:
    """Print what lint found, a line each, or nothing."""
    from dataclasses import asdict

    if options(context).json:
        output.result(context, [asdict(each) for each in found], "")
        return
    for each in found:
        print(output.clean(f"{each.place}: {each.rule}: {each.text}"))


def document(context: typer.Context, value: Mapping[str, Any]) -> None:
    """Print a document, and say on standard error when it is too long for one file."""
    from authsvc.changes.policy.export import printed
    from authsvc.changes.policy.files import MAX_BYTES_OF_ALL
    from authsvc.changes.policy.placed import MAX_BYTES

    size = 0
    for line in _as_json(value) if options(context).json else printed(value):
        print(line)
        size += len(line.encode()) + 1
    if size > MAX_BYTES:
        output.note(
            f"this is {size / 1024**2:.1f} MiB, and a policy file has at most "
            f"{MAX_BYTES // 1024**2} MiB: before it can be applied, split it into several files of "
            f"a folder, {MAX_BYTES_OF_ALL // 1024**2} MiB together at most; see "
            "docs/policy-files.md, 'Which files'"
        )


def _as_json(value: Mapping[str, Any]) -> Iterator[str]:
    import json

    return iter(json.dumps(value, indent=2).splitlines())


def _said(word: str, each: Mapping[str, Any]) -> str:
    if word == "changed":
        before, after = each["before"], each["after"]
        moved = [_moved(name, before[name], held) for name, held in after.items()]
        return f"{_named(after)} ({'; '.join(filter(None, moved))})"
    details = {name: held for name, held in each.items() if held not in (None, "", [], "allow")}
    return ", ".join(f"{name} {_word(held)}" for name, held in details.items())


def _moved(name: str, before: Any, after: Any) -> str:
    """What became of a member of an entry; '' when it is as it was."""
    if before == after:
        return ""
    if isinstance(after, list):
        come = [f"+{each}" for each in after if each not in set(before)]
        gone = [f"-{each}" for each in before if each not in set(after)]
        return f"{name} {' '.join([*come, *gone])}"
    return f"{name} {_word(before)} -> {_word(after)}"


def _named(item: Mapping[str, Any]) -> str:
    if "subject" in item:
        return f"{item['role']} on {item['on']} to {item['subject']}"
    return str(item["name"])


def _word(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value in (None, "") else str(value)


def _effects(effects: Mapping[str, Any]) -> list[str]:
    touched = ", ".join(f"{effects[word]} {word}" for word in ("people", "groups", "others"))
    if effects["by_name"] is None:
        return [f"touches {touched}: too many to tell what each gains and loses"]
    lines = [_effect(each) for each in effects["by_name"]]
    if effects["partial"]:
        lines.append(f"not all was looked at of: {', '.join(effects['partial'])}")
    return lines


def _effect(each: Mapping[str, Any]) -> str:
    words = [f"gains {', '.join(each['gains'])}"] * bool(each["gains"])
    words += [f"loses {', '.join(each['loses'])}"] * bool(each["loses"])
    where = f" in {each['registry']}" if each["registry"] else ""
    source = f" from {each['network']}" if each["network"] else ""
    return f"  {each['subject']} {' and '.join(words)} on {each['on']}{where}{source}"


class Progress:
    """A bar on a terminal while files are applied; nothing where nobody looks."""

    def __enter__(self) -> Self:
        self._bar: Any = None
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
        return self

    def begin(self, what: str) -> None:
        """Say what is done now; what was before is done."""
        if self._bar is not None:
            for task in self._bar.task_ids:
                self._bar.update(task, total=1, completed=1)
            self._bar.add_task(what, total=None)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
