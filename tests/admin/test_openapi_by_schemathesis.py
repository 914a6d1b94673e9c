"""The published document and the running service agree, whatever is sent (schemathesis).

Each operation gets requests that fit the document and requests that do not, as an administrator,
an owner and a person without rights. FUZZ in the environment multiplies them for `make soak`.
"""

import json
import os
from dataclasses import dataclass

import pytest
from admin.api import PASSWORD, furnished
from admin.in_process import URL, Callers, callers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode, checks, openapi
from schemathesis.config import SchemathesisConfig

from authsvc.admin.api import OPERATIONS
from authsvc.admin.routes import PREFIX
from authsvc.changes import grants, robots, roles, users
from authsvc.changes.policy.apply import submit_files
from authsvc.changes.spec import checked
from authsvc.principal import SYSTEM

TIMES = int(os.environ.get("FUZZ", "1"))
pytestmark = pytest.mark.timeout(300 * TIMES)
LABELS = ["GET /token", "POST /token", "POST /token/revoke", "POST /token/introspect"] + [
    f"{method} {PREFIX}{path}" for method, path in OPERATIONS
]
CHECKS = [
    checks.not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
    checks.response_schema_conformance, checks.response_headers_conformance,
    checks.negative_data_rejection, checks.missing_required_header,
]  # fmt: skip
# A state that refuses a request (409) refuses it as well.
CONFIG = SchemathesisConfig.from_dict(
    {"checks": {name: {"expected-statuses": ["4XX"]}
                for name in ("negative_data_rejection", "missing_required_header")}}
)  # fmt: skip
EXAMPLES = {"carol": 4, "olga": 6, "admin": 14}  # of each kind, for each operation
ADMIN = "the administrator of these tests"
PASSWORDS = {"admin": f"admin:{ADMIN}"}
FILLERS = 30


@dataclass
class Served:
    people: Callers
    schema: object

    def operation(self, label):
        method, path = label.split(" ")
        return self.schema[path][method]

    def session(self, who):
        return self.people.session(PASSWORDS.get(who, who))

    def ids(self, label):
        """Ids that are there now, of the kind that the path of an operation takes."""
        path = label.split(" ")[1]
        if "{id}" not in path:
            return []
        if "/decisions/" in path:
            records = self._listed(f"{PREFIX}/audit?event=token&limit=500")
            return [record["decision_id"] for record in records if record["decision_id"]]
        return [item["id"] for item in self._listed(path.partition("/{id}")[0])]

    def _listed(self, path):
        answer = self.session("admin").get(URL + path)
        assert answer.status_code == 200, answer.text
        return answer.json()


def fill(parts):
    """Items of every kind, and behind them the last administrator.

    A local one, since that one cannot be removed: nothing that is sent ends its rights.
    """
    numbers = range(FILLERS)
    policy = {
        "registries": [{"name": f"r{number}.test"} for number in numbers],
        "namespaces": [{"name": f"space{number}"} for number in numbers],
        "groups": [{"name": f"filler{number}"} for number in numbers],
        "grants": [
            {"subject": f"user:file:p{number}", "role": "reader", "on": f"space{number}"}
            for number in numbers
        ],
    }
    run = parts.unit_of_work.run
    submit_files(parts.unit_of_work, SYSTEM, [("policy.yaml", json.dumps(policy).encode())])
    for number in numbers:
        role = checked(roles.RoleSpec, {"name": f"role{number}", "allow": ["repository:pull"]})
        run(SYSTEM, lambda tx, role=role: roles.add(tx, role))
        robot = checked(
            robots.RobotSpec,
            {"name": f"robot{number}", "namespace": f"space{number}", "role": "reader"},
        )
        digest = number.to_bytes(32, "big")
        run(SYSTEM, lambda tx, robot=robot, digest=digest: robots.add(tx, robot, digest))
    hashed = users.password_hash("admin", ADMIN, ())
    run(SYSTEM, lambda tx: users.add(tx, "admin", hashed, enabled=True))
    grant = checked(grants.GrantSpec, {"subject": "user:admin", "role": "admin"})
    run(SYSTEM, lambda tx: grants.add(tx, grant))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    settings_, parts = furnished(tmp_path_factory.mktemp("schemathesis"))
    fill(parts)
    with callers(settings_, parts) as people:
        for who in ("carol", "olga", ""):
            asked = f"{URL}/token?service=reg-a.test&scope=repository:team/app:push"
            people.session(who).get(asked)
        document = people.session("carol").get(f"{URL}/openapi.json").json()
        yield Served(people, openapi.from_dict(document, config=CONFIG))


def name_what_is_there(case, service):
    """Where an operation asks for a registry or a person, one that is there."""
    if case.path == "/token" and case.method == "GET":
        case.query["service"] = service
    elif case.path == "/token":
        case.body |= {"service": service, "grant_type": "password"}
        case.body |= {"username": "bob", "password": PASSWORD}
    elif case.path.endswith("/explain"):
        case.body |= {"service": service, "subject": "user:file:bob"}
    elif case.path.endswith("/who-can"):
        case.body["service"] = service


def fuzz(served, label, who, mode):
    # A form brings its own credentials; both at once are one too many (RFC 6749, 2.3).
    session = served.session("" if label == "POST /token" else who)
    ids = served.ids(label)
    fits = mode is GenerationMode.POSITIVE

    @settings(
        max_examples=EXAMPLES[who] * TIMES, derandomize=TIMES == 1, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(
        case=served.operation(label).as_strategy(generation_mode=mode),
        key=st.sampled_from([None, *ids]),
        at=st.sampled_from([None, "reg-a.test", "reg-b.test"]),
    )
    def one(case, key, at):
        # Items that are there, whatever their state: or next to nothing would come to pass.
        if fits and key is not None:
            case.path_parameters["id"] = key
        if fits and at is not None:
            name_what_is_there(case, at)
        free = case.method in ("PATCH", "DELETE") and fits
        headers = {"If-Match": "*"} if free else {}
        case.call_and_validate(URL, session, headers=headers, checks=CHECKS)

    one()


def test_the_document_has_every_operation(served):
    assert sorted(found.ok().label for found in served.schema.get_all_operations()) == sorted(
        LABELS
    )


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("who", EXAMPLES)
def test_what_does_not_fit_is_refused(served, label, who):
    fuzz(served, label, who, GenerationMode.NEGATIVE)


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("who", EXAMPLES)
def test_what_fits_the_document_is_answered_as_it_says(served, label, who):
    fuzz(served, label, who, GenerationMode.POSITIVE)


def test_the_administrator_is_still_there(served):
    """Or all of the above was about somebody without rights."""
    assert served.session("admin").get(f"{URL}{PREFIX}/me").json()["admin"]
