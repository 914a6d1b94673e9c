"""Heads, bodies and connections have bounds, and whoever overruns them hears it in one shape."""

import http.client
import json
import socket
import ssl
import time

import pytest
from served import parsed, read_all, request, until

QUICK = {"head_seconds": 0.5, "body_seconds": 0.5, "stuck_seconds": 0.5, "linger_seconds": 0.5}


def is_the_error_body(answer, status):
    found, headers, body = parsed(answer)
    document = json.loads(body)
    assert found == status
    assert set(document) == {"details", "errors", "error", "error_description"}
    assert set(document["errors"][0]) == {"code", "message", "detail"}
    assert headers["connection"] == "close"
    assert len(headers["x-request-id"]) == 32
    assert int(headers["content-length"]) == len(body)
    assert "server" not in headers
    assert headers["date"]
    return headers


def raw(*lines, body=b""):
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


CHUNKED = ("POST /echo HTTP/1.1", "Host: a", "Transfer-Encoding: chunked")
REFUSED = [
    pytest.param(raw("POST /echo HTTP/1.1", "Host: a", "Content-Length: 3",
                     "Transfer-Encoding: chunked", body=b"3\r\nabc\r\n0\r\n\r\n"), id="OA-15-both"),
    pytest.param(raw(*CHUNKED, "Content-Length: 3", body=b"0\r\n\r\n"), id="OA-15-other-order"),
    pytest.param(raw("POST /echo HTTP/1.1", "Host: a", "Content-Length: 3", "Content-Length: 4",
                     body=b"abcd"), id="OA-15-two-lengths"),
    pytest.param(raw("POST /echo HTTP/1.1", "Host: a", "Content-Length: +3", body=b"abc"),
                 id="OA-15-signed-length"),
    pytest.param(raw(*CHUNKED, body=b"zz\r\nabc\r\n0\r\n\r\n"), id="OA-15-chunk-size"),
    pytest.param(raw(*CHUNKED, body=b"fffffffffffffffff\r\nabc"), id="OA-15-chunk-overflow"),
    pytest.param(raw("GET /echo HTTP/1.1", "Host: a", "X-A: b", " c"), id="OA-15-obs-fold"),
    pytest.param(raw("GET /echo HTTP/2.0", "Host: a"), id="a version that is none of ours"),
    pytest.param(raw("GET /echo HTTP/1.1", "X-A: b"), id="1.1 without Host"),
    pytest.param(raw("GET /echo HTTP/1.1", "Host: a", "Host: b"), id="two hosts"),
    pytest.param(raw("GET /echo HTTP/1.1", "Host : a"), id="OA-15-blank-before-colon"),
    pytest.param(raw("GET /echo HTTP/1.1", "Host: a\x00b"), id="OA-15-nul"),
    pytest.param(b"GET /echo HTTP/1.1\nHost: a\n\n", id="OA-15-bare-lf"),
    pytest.param(raw("BREW /pot HTTP/1.1", "Host: a"), id="unknown-method"),
    pytest.param(raw("GET http://elsewhere HTTP/1.1", "Host: a"), id="url-without-path"),
    pytest.param(raw("CONNECT example.com:443 HTTP/1.1", "Host: a"), id="connect"),
    pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="http2-preface"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="tls-to-a-plain-port"),
    pytest.param(raw("GET /t\u00f6ken HTTP/1.1", "Host: a"), id="byte-beyond-ascii"),
    pytest.param(raw("POST /echo HTTP/1.1", "Host: a", "Connection: Upgrade", "Upgrade: h2c",
                     "Content-Length: 3", body=b"abc"), id="upgrade-with-a-body"),
    pytest.param(raw(f"GET /echo?{'a' * 66_000} HTTP/1.1", "Host: a"), id="RX-04-long-url"),
]  # fmt: skip


@pytest.mark.parametrize("sent", REFUSED)
def test_what_the_parser_refuses_gets_the_one_error_body_and_the_end(serve, sent):
    served = serve()
    is_the_error_body(served.ask(sent), 400)
    assert parsed(served.get("/pid"))[0] == 200
    assert "Invalid HTTP request" not in served.text()


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([f"X-A: {'a' * 1_048_576}"], id="RX-04-one-of-1-MiB"),
        pytest.param([f"X-{n}: a" for n in range(10_000)], id="RX-04-ten-thousand"),
        pytest.param([f"X-{n}: a" for n in range(300)], id="three-hundred-short-ones"),
        pytest.param([f"X-{n}: {'a' * 7000}" for n in range(10)], id="just-over-64-KiB"),
    ],
)
def test_too_many_or_too_long_headers_are_431(serve, lines):
    served = serve()
    is_the_error_body(served.ask(raw("GET /echo HTTP/1.1", "Host: a", *lines)), 431)


def test_a_head_of_nearly_64_kib_is_taken_whole_or_in_pieces(serve):
    served = serve()
    sent = request(f"/pid?{'a' * 40_000}", f"X-A: {'b' * 25_000}")
    assert parsed(served.ask(sent))[0] == 200
    with served.connect() as connection:
        for start in range(0, len(sent), 9_000):
            connection.sendall(sent[start : start + 9_000])
            time.sleep(0.01)
        assert parsed(read_all(connection))[0] == 200


def test_pieces_of_a_head_count_together(serve):
    served = serve()
    with served.connect() as connection:
        connection.sendall(b"GET /pid HTTP/1.1\r\n")
        for number in range(20):
            connection.sendall(b"X-%d: %b\r\n" % (number, b"a" * 4_000))
            time.sleep(0.005)
        is_the_error_body(read_all(connection), 431)


@pytest.mark.parametrize("begun", [b"", b"GE", b"GET /pid HTTP/1.1\r\nHost: a\r\n"])
def test_a_silent_connection_and_half_a_head_are_408(serve, begun):
    served = serve(bounds=QUICK)
    with served.connect() as connection:
        connection.sendall(begun)
        is_the_error_body(read_all(connection), 408)


def test_a_head_that_drips_does_not_get_more_time(serve):
    served = serve(bounds=QUICK)
    with served.connect() as connection:
        connection.sendall(b"GET /pid HTTP/1.1\r\n")
        sent = 0
        try:
            for sent in range(200):
                connection.sendall(b"X-%d: a\r\n" % sent)
                time.sleep(0.05)
        except OSError:
            pass
        assert sent < 199


def test_who_is_refused_while_sending_may_finish_and_read_why(serve):
    served = serve(bounds={"body_bytes": 100_000})
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    connection.request("POST", "/echo", body=b"a" * 5_000_000)
    assert connection.getresponse().status == 413
    connection.close()
    with served.connect() as connection:
        connection.sendall(b"GARBAGE\r\n\r\n")
        until(lambda: not still_open(connection))


def still_open(connection):
    time.sleep(0.1)
    try:
        connection.sendall(b"more")
    except OSError:
        return False
    return True


def test_half_a_body_is_408_and_the_application_goes_on_with_others(serve):
    served = serve(bounds=QUICK)
    with served.connect() as connection:
        connection.sendall(raw("POST /echo HTTP/1.1", "Host: a", "Content-Length: 10", body=b"ab"))
        is_the_error_body(read_all(connection), 408)
    assert parsed(served.get("/pid"))[0] == 200


def test_a_body_beyond_the_bound_is_413(serve):
    served = serve(bounds={"body_bytes": 200_000})
    sent = request("/echo", method="POST", body=b"a" * 150_000)
    assert len(parsed(served.ask(sent))[2]) == 150_000
    is_the_error_body(served.ask(request("/echo", method="POST", body=b"a" * 300_000)), 413)
    endless = b"".join(b"1000\r\n%b\r\n" % (b"a" * 4096) for _ in range(100))
    is_the_error_body(served.ask(raw(*CHUNKED, body=endless)), 413)


def test_a_body_after_an_early_answer_does_not_make_a_second_answer(serve):
    served = serve(bounds={"body_bytes": 200_000} | QUICK)
    answer = served.ask(request("/early", method="POST", body=b"a" * 400_000))
    assert answer.count(b"HTTP/1.1 ") == 1
    assert parsed(answer)[0] == 403


def test_a_connection_that_idles_between_requests_is_closed_without_a_word(serve):
    served = serve()
    with served.connect() as connection:
        connection.sendall(b"GET /pid HTTP/1.1\r\nHost: a\r\n\r\n")
        assert read_all(connection).count(b"HTTP/1.1") == 1


def test_a_connection_carries_many_requests_and_each_head_counts_for_itself(serve):
    connection = http.client.HTTPConnection("127.0.0.1", serve().port, timeout=20)
    for _ in range(10):
        connection.request("GET", "/pid", headers={"X-A": "a" * 30_000})
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.read()
        connection.request("POST", "/echo", body=b"b" * 60_000)
        assert len(connection.getresponse().read()) == 60_000
    connection.close()


def test_pipelined_requests_are_answered_in_order_and_not_without_end(serve):
    served = serve()
    one = b"GET /pid HTTP/1.1\r\nHost: a\r\n\r\n"
    assert served.ask(one * 4 + request("/echo")).count(b"HTTP/1.1 200") == 5
    assert served.ask(one * 1_000).count(b"HTTP/1.1 200") == 9


def test_garbage_behind_a_request_does_not_cost_its_answer(serve):
    served = serve()
    answer = served.ask(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGARBAGE\r\n\r\n")
    assert answer.endswith(b"late but whole")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_lines_after_a_body_never_become_headers(serve):
    served = serve()
    body = b"1\r\na\r\n0\r\nX-Forwarded-For: 9.9.9.9\r\nAuthorization: Basic YTpi\r\n\r\n"
    shown = served.ask(raw("POST /headers HTTP/1.1", "Host: a", "Connection: close",
                           "Transfer-Encoding: chunked", body=body))  # fmt: skip
    assert parsed(shown)[0] == 200
    assert b"9.9.9.9" not in shown
    assert b"YTpi" not in shown


def test_an_upgrade_is_ignored_and_what_follows_it_is_not_read(serve):
    served = serve()
    answer = served.ask(raw("GET /pid HTTP/1.1", "Host: a", "Connection: Upgrade", "Upgrade: h2c",
                            body=b"GET /echo HTTP/1.1\r\nHost: a\r\n\r\n"))  # fmt: skip
    assert answer.count(b"HTTP/1.1 ") == 1
    assert parsed(answer)[1]["connection"] == "close"


def test_connections_beyond_the_bound_are_sent_away_and_the_rest_is_served(serve):
    served = serve(connections=50)
    held = [served.connect() for _ in range(50)]
    try:
        until(lambda: b" 503 " in served.get("/pid"))
        headers = is_the_error_body(served.get("/pid"), 503)
        assert headers["retry-after"] == "1"
        held[0].sendall(request("/pid"))
        assert parsed(read_all(held[0]))[0] == 200
        held.pop(0).close()
        until(lambda: b" 200 " in served.get("/pid"))
    finally:
        for connection in held:
            connection.close()


def test_two_thousand_idle_connections_are_all_ended(serve):
    served = serve(connections=1_000, bounds={"head_seconds": 1})
    held = []
    try:
        held = [served.connect() for _ in range(2_000)]
        for connection in held:
            read_all(connection)
        assert parsed(served.get("/pid"))[0] == 200
    finally:
        for connection in held:
            connection.close()


def test_a_low_limit_on_open_files_lowers_the_bound_and_the_service_recovers(serve, tmp_path):
    served = serve(environ={"TINY_FILES": "256"}, bounds={"head_seconds": 1})
    held = [served.connect() for _ in range(400)]
    until(lambda: "the limit on open files is too low" in served.text())
    for connection in held:
        read_all(connection)
        connection.close()
    assert parsed(served.get("/pid"))[0] == 200


def test_a_client_that_reads_nothing_is_dropped(serve):
    served = serve(bounds=QUICK)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(20)
        connection.connect(("127.0.0.1", served.port))
        body = b"a" * 8_000_000
        head = b"POST /echo HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
        connection.sendall(head + body)
        time.sleep(4)
        assert len(read_all(connection)) < len(body)


def test_a_handshake_that_does_not_come_counts_and_ends(serve, pki, unverified):
    served = serve(tls_cert=str(pki.certificate), tls_key=str(pki.key), connections=20,
                   bounds={"head_seconds": 1})  # fmt: skip
    held = [served.connect() for _ in range(30)]
    try:
        for connection in held:
            assert read_all(connection) == b""
    finally:
        for connection in held:
            connection.close()
    until(lambda: answers(served, unverified))


def answers(served, context):
    try:
        with context.wrap_socket(served.connect()) as connection:
            connection.sendall(request("/pid"))
            return b" 200 " in read_all(connection)
    except ssl.SSLError:  # sent away: there was no room yet
        return False
