"""A policy that is too long for the API is refused by it, and the caller comes to reading why."""

import base64
import http.client
import json

import pytest
from real.service import ADMIN, Service

SECRET = base64.b64encode(f"{ADMIN.name}:{ADMIN.password}".encode()).decode()


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    service = Service(tmp_path_factory.mktemp("long") / "one")
    service.init("reg.test:5000")
    service.start()
    yield service
    service.stop()


def post(service, size, *, path="/api/v1/policy/lint", **headers):
    body = b'{"document": "' + b"#" * size + b'"}'
    headers |= {"Content-Type": "application/json", "Authorization": f"Basic {SECRET}"}
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("content-type"), answer.read()
    finally:
        connection.close()


def test_a_policy_of_nearly_7_mib_is_taken(service):
    assert post(service, 7_000_000)[0] == 200


@pytest.mark.parametrize("headers", [{}, {"Connection": "close"}], ids=["kept", "closed"])
@pytest.mark.parametrize("mebibytes", [7, 9, 24])
def test_a_longer_one_is_413_of_the_api_and_no_error_of_ours(service, mebibytes, headers):
    status, kind, body = post(service, mebibytes << 20, **headers)
    assert (status, kind) == (413, "application/problem+json")
    assert "7168 KiB" in json.loads(body)["detail"]
    assert '"level":"error"' not in (service.folder / "serve.log").read_text()


def test_who_hangs_up_within_a_body_is_no_error_of_ours(service):
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    connection.putrequest("POST", "/api/v1/policy/lint")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", "1000")
    connection.putheader("Authorization", f"Basic {SECRET}")
    connection.endheaders(b'{"document": ')
    connection.close()
    assert post(service, 1)[0] == 200
    service.stop()
    log = (service.folder / "serve.log").read_text()
    service.start()
    assert '"level":"error"' not in log
    assert "ClientDisconnect" not in log
