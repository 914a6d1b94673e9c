"""What grows with what is stored, and what does not: the same caller beside ever more grants."""

import contextlib
import http.client
import sqlite3
import statistics
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from cases import basic, progress
from crowd import ALICE, EACH, SOURCE, person, places
from decisions import GRANTS, GROUPS, crowded_decisions, stored_decision
from load import Measured, measure
from processes import authsvc, memory, processor_time
from served import SEEN, STALENESS, Serving, ask, granted, serving

SIZES = (10, 10_000, 1_000_000)
SCOPES, HELD = 256, 10_000  # of one request, against that many grants of its caller
EDITS = 3


def measured_scale(folder: Path, *, seconds: int, rounds: int) -> list[dict[str, Any]]:
    """All rows of the table; progress goes to standard error."""
    with ExitStack() as stack:
        services = {}
        for size in SIZES:
            progress(f"{size:,} grants")
            services[size] = stack.enter_context(serving(folder / str(size), size))
        found = at_every_size(services, seconds=seconds, rounds=rounds)
        found.append(
            row(f"memory, {SEEN:,} subjects seen", crowd_memory(services[SIZES[-1]]), "MB")
        )
    progress("many groups, many scopes")
    for case, value in crowded_decisions().items():
        found.append(row(f"{GROUPS} groups, {GRANTS} grants, {case}", value, "us"))
    return found + many_scopes(folder / "scopes")


def row(case: str, value: float, unit: str, ratio: float | None = None) -> dict[str, Any]:
    return {"case": case, "value": value, "unit": unit, "ratio": ratio}


def at_every_size(
    services: dict[int, Serving], *, seconds: int, rounds: int
) -> list[dict[str, Any]]:
    """What is compared with the smallest size, and how soon a change is seen."""
    tokens = token_costs(services, seconds=seconds, rounds=rounds)
    costs = {size: token.cost for size, token in tokens.items()}
    waits = {size: token.p50 for size, token in tokens.items()}
    held = {size: memory(service.pid) for size, service in services.items()}
    decisions = {size: stored_decision(service.database) for size, service in services.items()}
    seen = {size: seen_after_edit(service) for size, service in services.items()}
    return [
        *compared("decision", decisions, "us"),
        *compared("token request", costs, "us"),
        *compared("token request, median wait", waits, "ms"),
        *compared("memory", held, "MB"),
        *[
            row(f"a change is seen, {size:,} grants", took, "s", took / STALENESS)
            for size, took in seen.items()
        ],
    ]


def compared(case: str, figures: dict[int, float], unit: str) -> list[dict[str, Any]]:
    least = figures[SIZES[0]]
    return [
        row(f"{case}, {size:,} grants", value, unit, value / least)
        for size, value in figures.items()
    ]


def token_costs(services: dict[int, Serving], *, seconds: int, rounds: int) -> dict[int, Measured]:
    """Of alice, who asks all services in turn, so that what disturbs disturbs each alike."""
    found: dict[int, list[Measured]] = {size: [] for size in services}
    for number in range(rounds):
        progress(f"token requests, round {number + 1}")
        for size, service in services.items():
            ask(service, ALICE, "own7/p7/app")
            header = f"Authorization: {basic(ALICE)}"
            url = service.url("own7/p7/app")
            found[size].append(measure(service.pid, url, headers=(header,), seconds=seconds))
    return {size: min(each, key=lambda one: one.cost) for size, each in found.items()}


def crowd_memory(service: Serving) -> float:
    """Resident megabytes once SEEN subjects with EACH grants have asked."""
    progress(f"{SEEN:,} subjects")
    connection = http.client.HTTPConnection("127.0.0.1", service.port)
    for number in range(SEEN):
        granted(connection, person(number), f"team{number * EACH % 977}/p{number * EACH}")
    connection.close()
    return memory(service.pid)


def seen_after_edit(service: Serving) -> float:
    """Seconds from an edit by the command line until a token shows it: the longest of several."""
    return max(edited(service, f"fresh{number}") for number in range(EDITS))


def edited(service: Serving, name: str) -> float:
    """Counted from the time in the edit's record, which is from before its commit."""
    arguments = ("--role", "reader", "--to", f"user:{SOURCE}:{ALICE}", "--on", name)
    edit = threading.Thread(
        target=authsvc, args=("grant", "add", *arguments), kwargs={"env": service.env}
    )
    edit.start()
    connection = http.client.HTTPConnection("127.0.0.1", service.port)
    while not granted(connection, ALICE, name):
        time.sleep(0.01)
    seen = time.time()
    connection.close()
    edit.join()
    with contextlib.closing(sqlite3.connect(service.database)) as database:
        (made,) = database.execute("SELECT time FROM changes ORDER BY seq DESC LIMIT 1").fetchone()
    return seen - made / 1000


def many_scopes(folder: Path, requests: int = 40) -> list[dict[str, Any]]:
    """Requests of SCOPES scopes, each of other ones, so that none is answered from memory."""
    paths = [f"{place}/app" for _, place in places(HELD, HELD) if "*" not in place]
    case = f"{SCOPES} scopes, {HELD:,} grants"
    with serving(folder, HELD, to_alice=HELD) as service:
        waits = []
        connection = http.client.HTTPConnection("127.0.0.1", service.port)
        granted(connection, ALICE, "own7/p7/app")
        before = processor_time(service.pid)
        for number in range(requests):
            names = [paths[(number * 211 + step * 7) % len(paths)] for step in range(SCOPES)]
            began = time.perf_counter()
            assert len(granted(connection, ALICE, *names)) == SCOPES
            waits.append((time.perf_counter() - began) * 1000)
        spent = (processor_time(service.pid) - before) / requests * 1000
        connection.close()
    wait = statistics.median(waits)
    return [row(f"{case}, processor time", spent, "ms"), row(f"{case}, median wait", wait, "ms")]
