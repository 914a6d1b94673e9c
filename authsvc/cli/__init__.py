"""Interface: the command line. A file per group of commands: parse, call, print.

Heavy imports stand inside functions, so that `authsvc --help` is quick.
"""

import sys


def main() -> None:
    """Run the command line of this process and leave with its exit code."""
    from .exits import run
    from .root import app

    sys.exit(run(app, sys.argv[1:]))
