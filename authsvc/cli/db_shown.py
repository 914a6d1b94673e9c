"""What `authsvc db` prints for people."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Self

LISTED = 50  # of a kind; the command that is named beside them shows all


def restored(value: Mapping[str, Any]) -> str:
    """What was ended, and what is to be looked through."""
    change = value["change"]
    ends = f"change {change['seq']} of {change['time']}" if change else "no change"
    robots = [_robot(each) for each in value["robots"]]
    tokens = [f"{each['id']} '{each['name']}' of {each['user']}" for each in value["pats"]]
    keys = [f"{each['kid']} ({each['state']})" for each in value["keys"]]
    return "\n".join(
        [
            f"ended {value['refresh_tokens_ended']} refresh tokens, and all that is remembered",
            f"the backup ends with {ends} and the token record of {value['last_record'] or '-'}",
            "what was revoked or removed after that is good again, passwords are those of then:",
            *_listed("robots, with the secrets of then", robots, "authsvc robot list"),
            *_listed("personal access tokens", tokens, "authsvc pat list"),
            *_listed("signing keys", keys, "authsvc keys show"),
            f"people who are enabled: {value['people']} (authsvc user list)",
            f"grants: {value['grants']} (authsvc grant list)",
        ]
    )


def _robot(item: Mapping[str, Any]) -> str:
    made = ", ".join(each["created_at"] for each in item["secrets"])
    return f"{item['name']} (made {made})"


def _listed(what: str, lines: Sequence[str], command: str) -> list[str]:
    shown = [f"  {line}" for line in lines[:LISTED]]
    more = [f"  and {len(lines) - LISTED} more"] if len(lines) > LISTED else []
    return [f"{what}: {len(lines)} ({command})", *shown, *more]


class Progress:
    """A bar on a terminal while tables are copied; nothing where nobody looks."""

    def __enter__(self) -> Self:
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
        return self

    def told(self, table: str, done: int, total: int) -> None:
        """Say that `done` of the `total` rows of a table are copied."""
        if self._bar is None:
            return
        if table not in self._tasks:
            self._tasks[table] = self._bar.add_task(table, total=total)
        self._bar.update(self._tasks[table], completed=done)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
