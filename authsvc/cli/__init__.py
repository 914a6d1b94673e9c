"""Interface: the command line. A file per group of commands: parse, call, print.

Heavy imports stand inside functions, so that `authsvc --help` is quick.
"""

import os
import sys

COMPLETION = "_AUTHSVC_COMPLETE"  # set by the shell that asks what may follow


def main() -> None:
    """Run the command line of this process and leave with its exit code."""
    from .exits import run
    from .root import app

    if os.environ.get(COMPLETION):
        app(prog_name="authsvc")  # answers and leaves
    sys.exit(run(app, sys.argv[1:]))
