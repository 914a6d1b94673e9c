"""The benchmark: what one token costs, as ratios within one run, and what many grants cost.

`python bench/run.py` prints all tables; `--only` one of them, `--json` the same for machines,
`--seconds` sets the length of each round. Baselines: (a) a bare ASGI application that sends an
answer of the same size under uvicorn, (b) one ES256 signature in the same Python. L is their sum.
docker_auth is measured beside them when DOCKER_AUTH names its binary.
"""

import argparse
import json
import sys
import tempfile
from functools import partial
from pathlib import Path

from against import measured_against
from cases import measured_cases
from engines import measured_engines
from machines import measured_machines
from policy import measured_policy
from report import print_figures, print_table
from scale import measured_scale
from sign_ins import measured_sign_ins
from whole import measured_whole

TABLES = {
    "cases": (measured_cases, print_table),
    "sign-ins": (measured_sign_ins, partial(print_figures, title="sign-ins")),
    "machines": (measured_machines, partial(print_figures, title="machines")),
    "scale": (measured_scale, partial(print_figures, title="scale")),
    "docker_auth": (measured_against, partial(print_figures, title="beside docker_auth")),
    "engines": (measured_engines, partial(print_figures, title="workers and engines")),
    "whole": (measured_whole, partial(print_figures, title="the process")),
    "policy": (measured_policy, partial(print_figures, title="policy")),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="length of one round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds per case; the best counts")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--only", choices=TABLES, help="one table of them")
    options = parser.parse_args()
    found = {}
    for name in [options.only] if options.only else TABLES:
        measure, show = TABLES[name]
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            found[name] = measure(Path(folder), seconds=options.seconds, rounds=options.rounds)
        if not options.json:
            show(found[name])
    if options.json:
        json.dump(found, sys.stdout, indent=1)
        print()


main()
