"""`python -m authsvc.cli` is the command `authsvc`."""

from . import main

main()
