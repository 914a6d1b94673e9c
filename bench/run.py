"""The benchmark: what one token costs, as ratios within one run.

`python bench/run.py` prints one table; `--json` prints the same for machines, `--seconds` sets the
length of each round. Baselines: (a) a bare ASGI application that sends an answer of the same
size under uvicorn, (b) one ES256 signature in the same Python. L is their sum. docker_auth is
measured beside them when DOCKER_AUTH names its binary.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from cases import measured_cases
from report import print_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="length of one round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds per case; the best counts")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        rows = measured_cases(Path(folder), seconds=options.seconds, rounds=options.rounds)
    if options.json:
        json.dump(rows, sys.stdout, indent=1)
        print()
    else:
        print_table(rows)


main()
