"""SIGTERM: not ready at once, still listening while it drains, no answer cut, exit status 0."""

import http.client
import json
import signal
import threading

import pytest
from served import listens, parsed, read_all, request, until

WORKERS = pytest.mark.parametrize("workers", [1, 2])


@WORKERS
def test_readyz_is_503_at_once_while_others_are_still_served(serve, workers):
    served = serve(drain=2, workers=workers)
    assert parsed(served.get("/readyz"))[0] == 200
    served.process.send_signal(signal.SIGTERM)
    until(lambda: parsed(served.get("/readyz"))[0] == 503)
    assert json.loads(parsed(served.get("/readyz"))[2])["status"] == "draining"
    assert parsed(served.get("/livez"))[0] == 200
    assert parsed(served.get("/pid"))[0] == 200
    assert served.wait() == 0
    assert not listens(served.port)


@WORKERS
def test_a_request_in_flight_is_answered_whole(serve, workers):
    served = serve(drain=0, workers=workers)
    with served.connect() as connection:
        connection.sendall(request("/slow"))
        until(lambda: parsed(served.get("/pid"))[0] == 200)
        served.process.send_signal(signal.SIGTERM)
        assert parsed(read_all(connection))[2] == b"late but whole"
    assert served.wait() == 0


def test_while_it_drains_every_answer_ends_its_connection(serve):
    served = serve(drain=2)
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    connection.request("GET", "/pid")
    answer = connection.getresponse()
    assert answer.getheader("connection") is None
    answer.read()
    served.process.send_signal(signal.SIGTERM)
    until(lambda: parsed(served.get("/readyz"))[0] == 503)
    connection.request("GET", "/pid")
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.getheader("connection") == "close"
    connection.close()


@WORKERS
def test_a_stop_under_load_cuts_no_answer(serve, workers):
    """HA-16. Clients use new connections until one is refused; every answer they get is whole."""
    served = serve(drain=1, workers=workers)
    cut, whole = [], []

    def client():
        while True:
            try:
                connection = served.connect()
            except ConnectionRefusedError:
                return
            with connection:
                connection.sendall(request("/echo", method="POST", body=b"a" * 1000))
                answer = read_all(connection)
            (whole if answer.endswith(b"a" * 1000) else cut).append(answer)

    clients = [threading.Thread(target=client) for _ in range(4)]
    for thread in clients:
        thread.start()
    until(lambda: len(whole) > 100)
    served.process.send_signal(signal.SIGTERM)
    assert served.wait() == 0
    for thread in clients:
        thread.join()
    assert cut == []


@pytest.mark.parametrize(
    ("first", "second"),
    [(signal.SIGTERM, signal.SIGTERM), (signal.SIGTERM, signal.SIGINT), (signal.SIGINT, None)],
)
@WORKERS
def test_a_second_signal_hurries_and_so_does_ctrl_c(serve, workers, first, second):
    served = serve(drain=600, workers=workers)
    served.process.send_signal(first)
    if second is not None:
        until(lambda: parsed(served.get("/readyz"))[0] == 503)
        served.process.send_signal(second)
    assert served.wait() == 0


def test_no_count_is_lost_at_the_end(serve, tmp_path):
    served = serve(drain=0, environ={"TINY_COUNTS": str(tmp_path / "counts")})
    for _ in range(7):
        served.get("/echo")
    served.process.send_signal(signal.SIGTERM)
    assert served.wait() == 0
    counts = (tmp_path / "counts").read_text()
    assert (
        'authsvc_token_requests_total{reason="/echo",registry="tiny",result="granted"} 7' in counts
    )


def test_an_application_that_cannot_start_says_why_in_its_own_words(serve):
    served = serve(ready=False, environ={"TINY_FAILS": "1"})
    assert served.wait() != 0
    assert "InvalidSettings: there is no schema: run authsvc init" in served.text()


def test_workers_that_cannot_start_end_their_parent_with_the_status_of_the_error(serve):
    served = serve(ready=False, workers=2, environ={"TINY_FAILS": "1"})
    assert served.wait() == 2
    assert "there is no schema: run authsvc init" in served.text()


def test_a_taken_port_is_a_conflict_that_says_what_to_do(serve):
    served = serve()
    second = serve(port=served.port, ready=False)
    assert second.wait() != 0
    assert f"Conflict: port {served.port} of 127.0.0.1 is taken: stop what" in second.text()
