"""The direct door of an application: the same answers as by ASGI, whatever the request is like."""

import json
import socket
import struct
import time

import pytest

REQUESTS = {
    "plain": b"GET /direct?a=1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "with a task": b"GET /direct?task HTTP/1.1\r\nHost: x\r\n\r\n",
    "with a body": b"GET /direct HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
    "chunked": b"GET /direct HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "asks to close": b"GET /direct HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "old version": b"GET /direct HTTP/1.0\r\nHost: x\r\n\r\n",
    "by post": b"POST /direct HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    "a form": b"POST /direct HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
    "a form, with a task": b"POST /direct?task HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
    "a long form": b"POST /direct HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n"
    + b"x" * 20_000,
    "a form in chunks": b"POST /direct HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
    "encoded path": b"GET /d%69rect HTTP/1.1\r\nHost: x\r\n\r\n",
    "absolute": b"GET http://x/direct HTTP/1.1\r\nHost: x\r\n\r\n",
}


def read_answer(connection):
    """The next answer on a connection: its status, headers and body."""
    text = b""
    while b"\r\n\r\n" not in text:
        text += connection.recv(1)
    status, *lines = text.decode().strip().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    body = b""
    while len(body) < int(headers["content-length"]):
        body += connection.recv(1)
    return int(status.split()[1]), headers, json.loads(body)


def tail_of(request_bytes):
    return request_bytes.partition(b"\r\n\r\n")[2].decode()


@pytest.mark.parametrize("request_bytes", REQUESTS.values(), ids=REQUESTS.keys())
def test_every_request_is_answered_once_and_alike(serve, request_bytes):
    with serve().connect() as connection:
        connection.sendall(request_bytes)
        status, headers, body = read_answer(connection)
    posted = request_bytes.startswith(b"POST")
    sent = "".join(character for character in tail_of(request_bytes) if character in "abcx")
    assert (status, body["path"]) == (200, "/direct")
    assert body["body"] == (sent if posted else None)
    assert headers["x-request-id"]


def test_a_form_that_comes_in_pieces_is_answered_when_it_is_whole(serve):
    with serve().connect() as connection:
        for piece in (b"POST /direct HTTP/1.1\r\nHost: x\r\n", b"Content-Length: 3\r\n\r\n", b"ab"):
            connection.sendall(piece)
            connection.settimeout(0.2)
            with pytest.raises(TimeoutError):
                connection.recv(1)
        connection.settimeout(5)
        connection.sendall(b"c" + REQUESTS["plain"])
        assert [read_answer(connection)[2]["body"] for _ in range(2)] == ["abc", None]


def test_who_goes_away_within_a_form_is_not_answered_and_leaves_the_service_well(serve):
    service = serve()
    for _ in range(3):
        with service.connect() as connection:
            connection.sendall(REQUESTS["a form"][:-1])
    with service.connect() as connection:
        connection.sendall(REQUESTS["a form"])
        assert read_answer(connection)[0] == 200
    assert {json.loads(line)["level"] for line in service.text().splitlines()} == {"info"}


def test_requests_sent_at_once_are_answered_in_their_order(serve):
    with serve().connect() as connection:
        texts = [b"GET /direct?%d HTTP/1.1\r\nHost: x\r\n\r\n" % n for n in range(6)]
        connection.sendall(b"".join(texts))
        answers = [read_answer(connection) for _ in texts]
    assert [body["query"] for _, _, body in answers] == list("012345")


def test_one_connection_serves_both_doors(serve):
    with serve().connect() as connection:
        for request in (REQUESTS["plain"], REQUESTS["by post"], REQUESTS["plain"]):
            connection.sendall(request)
            assert read_answer(connection)[0] == 200


@pytest.mark.parametrize("first", ["/direct", "/direct?task", "/headers"])
def test_a_client_that_resets_writes_nothing_to_the_log(serve, first):
    """The first answer has reading begin again, so that the reset is seen while others wait."""
    service = serve()
    lines = [f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n" for path in (first, "/slow", "/slow")]
    for _ in range(3):
        with service.connect() as connection:
            connection.sendall("".join(lines).encode())
            time.sleep(0.2)
            reset = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends RST
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
    time.sleep(2)
    assert {json.loads(line)["level"] for line in service.text().splitlines()} == {"info"}
