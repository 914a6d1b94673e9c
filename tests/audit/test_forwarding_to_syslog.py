import pytest
from audit.forwards import forwarded, wait_until, written
from factories import change
from syslog_receiver import Receiver, in_order

from authsvc.audit.exporting import export
from authsvc.audit.records import MEMBERS
from authsvc.audit.sinks import rfc5424
from authsvc.audit.sinks.syslog import SyslogSink

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def receiver():
    started = Receiver()
    yield started
    started.kill()


def sink(receiver, name="syslog", scheme="tcp", host="127.0.0.1"):
    return SyslogSink(name, f"{scheme}://{host}:{receiver.port}")


def numbers(count):
    return list(range(1, count + 1))


def has(receiver, **counts):
    return lambda: {w: len(seqs) for w, seqs in in_order(receiver.records).items()} == counts


def test_ten_thousand_records_and_edits_arrive_as_they_are_exported(database, receiver):
    written(database, 9_000)
    written(database, 1_000, writer="writer-2")
    for _ in range(7):
        change(database, "base")
    with forwarded(database, sink(receiver)):
        wait_until(has(receiver, **{"writer-1": 9_000, "writer-2": 1_000, "changes": 7}))
    with database.read() as session:
        exported = list(export(session))
    found = {each["id"]: each for each in receiver.records}
    assert len(receiver.records) == len(found) == 10_007
    assert found == {each["id"]: each for each in exported}
    assert in_order(receiver.records)["writer-1"] == numbers(9_000)


def test_what_is_written_later_follows_and_nothing_comes_twice(database, receiver):
    with forwarded(database, sink(receiver)):
        for life in range(5):
            written(database, 10, writer=f"life-{life}")
        wait_until(lambda: len(receiver.records) == 50)
    written(database, 3, writer="meanwhile")
    with forwarded(database, sink(receiver)):
        wait_until(lambda: len(receiver.records) == 53)
    assert len({each["id"] for each in receiver.records}) == 53


def test_a_message_says_what_the_record_says(database, receiver):
    written(database, 1)
    with forwarded(database, sink(receiver)):
        wait_until(lambda: receiver.records)
    head, found = receiver.heads[0], receiver.records[0]
    assert (head["pri"], head["app"], head["id"]) == (b"110", b"authsvc", b"token")
    assert head["time"].decode() == found["time"]
    assert list(found) == list(MEMBERS)


@pytest.mark.parametrize(
    ("outcome", "priority"),
    [("granted", 110), ("reduced", 110), ("refused", 108), ("error", 107)],
)
def test_refusals_and_errors_stand_out_by_their_severity(outcome, priority):
    said = {"time": "2026-01-02T03:04:05.001Z", "event": "token", "outcome": outcome}
    assert rfc5424.message(said, "h").startswith(f"<{priority}>1 2026-01-02T03:04:05".encode())


@pytest.mark.parametrize("host", ["", "two words", "a\nb", "hôte", "h" * 256], ids=repr)
def test_a_name_of_a_host_that_may_not_stand_in_a_message_is_left_out(host):
    said = {"time": "t", "event": "token", "outcome": "granted"}
    assert rfc5424.message(said, host).startswith(b"<110>1 t - authsvc - token - {")


def test_a_receiver_that_was_killed_gets_all_that_it_had_not_read(database, receiver):
    slow = Receiver(pace=0.002)  # so that much is in kernels when it dies
    written(database, 3_000)
    with forwarded(database, sink(slow)):
        wait_until(lambda: len(slow.records) > 100)
        slow.kill()
        slow.start()
        slow._pace = 0
        wait_until(lambda: len(in_order(slow.records)["writer-1"]) == 3_000)
    slow.kill()
    assert sorted(in_order(slow.records)["writer-1"]) == numbers(3_000)


def test_a_receiver_that_was_away_catches_up_and_is_late_meanwhile(database, receiver, monkeypatch):
    monkeypatch.setattr("authsvc.audit.forwarder.LATE", 0.3)
    with forwarded(database, sink(receiver)) as forwarding:
        state = forwarding.states["sink syslog"]
        written(database, 10)
        wait_until(has(receiver, **{"writer-1": 10}))
        receiver.kill()
        written(database, 200, writer="writer-2")
        wait_until(lambda: state() == "degraded")
        receiver.start()
        wait_until(lambda: len(in_order(receiver.records).get("writer-2", ())) == 200)
        wait_until(lambda: state() == "ok")
    assert in_order(receiver.records)["writer-2"] == numbers(200)


def test_one_that_hangs_stops_no_other_and_no_record(database, receiver, monkeypatch):
    hanging = Receiver(pace=3600)
    written(database, 5_000)
    with forwarded(database, sink(hanging), sink(receiver, "syslog-2")) as forwarding:
        wait_until(has(receiver, **{"writer-1": 5_000}))
        written(database, 10, writer="writer-2")
        wait_until(has(receiver, **{"writer-1": 5_000, "writer-2": 10}))
        assert forwarding.states["sink syslog-2"]() == "ok"
    hanging.kill()


def test_another_process_goes_on_where_the_first_one_was(database, receiver, monkeypatch):
    monkeypatch.setattr("authsvc.audit.forwarder.LEASE", 0.5)
    monkeypatch.setattr("authsvc.audit.forwarder.RENEWED", 0.1)
    written(database, 20)
    with forwarded(database, sink(receiver), holder="one") as first:
        wait_until(has(receiver, **{"writer-1": 20}))
        with forwarded(database, sink(receiver), holder="other") as second:
            written(database, 5, writer="writer-2")
            wait_until(has(receiver, **{"writer-1": 20, "writer-2": 5}))
            wait_until(lambda: second.states["sink syslog"]() == "ok")
            first.stop()
            written(database, 5, writer="writer-3")
            wait_until(lambda: len(in_order(receiver.records).get("writer-3", ())) == 5)
    assert len(receiver.records) == 30


def test_records_that_retention_took_first_are_named_in_the_log(database, receiver, capsys):
    from sqlalchemy import text

    written(database, 10)
    with forwarded(database, sink(receiver)):
        wait_until(has(receiver, **{"writer-1": 10}))
    with database.write() as session:
        session.execute(text("UPDATE cursors SET seq = 2"))
        session.execute(text("DELETE FROM token_records WHERE seq < 6"))
    with forwarded(database, sink(receiver)):
        wait_until(lambda: len(receiver.records) == 15)
    assert '"records":3' in capsys.readouterr().err
