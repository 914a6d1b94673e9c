"""Every edit can be imported first: no command depends on what another has imported before it."""

import pkgutil
import subprocess
import sys

from authsvc import changes

PROGRAM = """
import importlib, sys
for name in sys.argv[1:]:
    for loaded in [each for each in sys.modules if each.startswith("authsvc.")]:
        if not loaded.startswith(("authsvc.db.models", "authsvc.metrics")):  # these exist once
            del sys.modules[loaded]
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(name, error)
"""


def test_no_module_needs_another_to_be_imported_before_it():
    names = [each.name for each in pkgutil.walk_packages(changes.__path__, "authsvc.changes.")]
    assert "authsvc.changes.groups" in names
    argv = [sys.executable, "-c", PROGRAM, *names]
    found = subprocess.run(argv, check=True, capture_output=True, text=True)
    assert (found.stdout, found.stderr) == ("", "")
