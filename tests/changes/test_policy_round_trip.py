"""What is exported says what is stored: applied again it changes nothing, and makes it anew.

`AUTHSVC_ROUND_TRIPS` sets how many random stores are tried.
"""

import json
import os

import pytest
from changes.random_stores import ANY, fill, stage, stores
from hypothesis import HealthCheck, given, settings

from authsvc.changes.policy.apply import apply
from authsvc.changes.policy.document import KINDS, parse
from authsvc.changes.policy.export import exported, printed
from authsvc.changes.policy.plan import plan
from authsvc.db.engine import Database

EXAMPLES = int(os.environ.get("AUTHSVC_ROUND_TRIPS", "100"))


@pytest.fixture(scope="module")
def database(sqlite_template, tmp_path_factory):
    path = tmp_path_factory.mktemp("round-trip") / "test.db"
    path.write_bytes(sqlite_template.read_bytes())
    opened = Database(f"sqlite:///{path}")
    yield opened
    opened.dispose()


def as_yaml(document):
    return "\n".join(printed(document)) + "\n"


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(store=stores(ANY))
def test_an_export_plans_nothing_and_makes_the_same_anew(database, store):
    with stage(database) as tx:
        fill(tx, store)
        document = exported(tx)
        for text in (as_yaml(document), json.dumps(document), json.dumps(document, indent=2)):
            for prune in (False, True):
                made = plan(tx, parse([("p.yaml", text.encode())]), prune=prune)
                assert made.steps == (), (text, prune)
        empty = "".join(f"{kind}: []\n" for kind in KINDS)
        apply(tx, parse([("empty.yaml", empty.encode())]), prune=True)
        assert not any(exported(tx).values())
        apply(tx, parse([("p.yaml", as_yaml(document).encode())]))
        assert exported(tx) == document
