"""The table that people read."""

import os
import platform
from typing import Any


def machine() -> str:
    """The machine in one line."""
    name = platform.processor() or platform.machine()
    return f"{os.cpu_count()} cores, {name}, Python {platform.python_version()}"


def print_table(rows: list[dict[str, Any]]) -> None:
    """Print all rows; `x L` is processor time per token over that of the two baselines."""
    print(f"machine: {machine()}")
    print(f"{'case':<44} {'rate/s':>8} {'p50 ms':>7} {'p99 ms':>7} {'us/token':>9} {'x L':>6}")
    for row in rows:
        print(
            f"{row['case']:<44} {_number(row.get('rate'), 0):>8} {_number(row.get('p50'), 2):>7} "
            f"{_number(row.get('p99'), 2):>7} {_number(row['cost'], 1):>9} "
            f"{_number(row.get('ratio'), 2):>6}"
        )


def print_figures(rows: list[dict[str, Any]], *, title: str) -> None:
    """Print rows that are each a figure with its unit, and a ratio to what the row says."""
    print(f"{title:<60} {'figure':>9}     {'ratio':>6}")
    for row in rows:
        print(
            f"{row['case']:<60} {_number(row['value'], 2):>9} {row['unit']:<3} "
            f"{_number(row['ratio'], 2):>6}"
        )


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
