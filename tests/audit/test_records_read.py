import asyncio
import threading
from itertools import count

import pytest
from factories import NOW, change, record

from authsvc.audit import exporting, reader
from authsvc.audit.filters import Filter
from authsvc.audit.log import Entry, TokenLog
from authsvc.audit.records import MEMBERS, Event, Outcome, print_body, time_ms

START = NOW.timestamp()


def write(database, *records, writer="writer-1"):
    """Write token records as the log does."""

    async def main():
        log = TokenLog(database, writer, "refuse")
        log.start()
        await asyncio.gather(
            *[
                log.record(Entry(time_ms(item), item.decision_id, print_body(item)))
                for item in records
            ]
        )
        await log.stop()

    asyncio.run(main())


def places(found):
    return [(item["time"][-5:-1], item["writer"], item["seq"]) for item in found]


def listed(database, limit=50, **wanted):
    with database.read() as session:
        return reader.records(session, limit=limit, wanted=Filter(**wanted))


def exported(database, **wanted):
    with database.read() as session:
        return list(exporting.export(session, wanted=Filter(**wanted)))


@pytest.fixture
def filled(database):
    """Records of two writers and edits between them, some in the same millisecond."""
    write(database, *[record(time=START + tick / 1000) for tick in (1, 3, 3, 9)], writer="w-b")
    write(database, *[record(time=START + tick / 1000) for tick in (3, 2)], writer="W-a")
    change(database, "base", time=START + 0.003, event=Event.POLICY)
    change(database, "base", time=START + 0.004, outcome=Outcome.REFUSED)
    return database


IN_ORDER = [
    (".001", "w-b", 1),
    (".002", "W-a", 2),
    (".003", "W-a", 1),
    (".003", "changes", 1),
    (".003", "w-b", 2),
    (".003", "w-b", 3),
    (".004", "changes", 2),
    (".009", "w-b", 4),
]


@pytest.mark.parametrize("page", [1, 2, 3, 500], ids="pages of {}".format)
def test_records_and_changes_are_one_list_by_time_writer_and_number(filled, monkeypatch, page):
    """AU-08"""
    monkeypatch.setattr("authsvc.audit.reader.PAGE", page)
    monkeypatch.setattr("authsvc.audit.exporting.AT_ONCE", page)
    assert places(listed(filled)) == IN_ORDER
    assert places(exported(filled)) == IN_ORDER


def test_a_list_holds_the_newest_with_the_newest_last(filled):
    assert places(listed(filled, limit=3)) == IN_ORDER[-3:]
    assert listed(filled, limit=0) == []


def test_a_record_read_has_all_members_in_the_order_of_the_contract(filled):
    """AU-01"""
    for item in listed(filled):
        assert list(item) == list(MEMBERS)
        assert item["id"] == f"{item['writer']}-{item['seq']}"
        assert len(bytes.fromhex(item["hash"])) == len(bytes.fromhex(item["prev"])) == 32
    assert listed(filled)[0]["time"] == "2026-01-02T03:04:05.001Z"
    assert listed(filled)[0]["prev"] == "00" * 32


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"event": Event.TOKEN}, [0, 1, 2, 4, 5, 7]),
        ({"event": Event.POLICY}, [3]),
        ({"outcome": Outcome.REFUSED}, [6]),
        ({"event": Event.ADMIN, "outcome": Outcome.GRANTED}, []),
        ({"since": START + 0.004}, [6, 7]),
    ],
)
def test_only_what_is_wanted_is_read(filled, wanted, expected):
    assert places(listed(filled, **wanted)) == [IN_ORDER[index] for index in expected]
    assert places(exported(filled, **wanted)) == [IN_ORDER[index] for index in expected]


def test_nothing_written_is_nothing_read(database):
    assert listed(database) == exported(database) == []


def test_an_export_while_writing_goes_on_has_no_gaps_and_no_doubles(database, monkeypatch):
    """AU-09"""
    monkeypatch.setattr("authsvc.audit.exporting.AT_ONCE", 3)
    write(database, *[record(time=START) for _ in range(10)], writer="before")
    stop = threading.Event()
    started = threading.Event()

    def keep_writing():
        for life in count():
            # Later records with earlier times, too: clocks of hosts differ.
            times = [START - life, START, START + life]
            write(database, *[record(time=time) for time in times], writer=f"life-{life}")
            change(database, "base", time=START)
            started.set()
            if stop.is_set():
                return

    thread = threading.Thread(target=keep_writing)
    thread.start()
    started.wait(60)
    for _ in range(5):
        found = exported(database)
        by_writer = {}
        for item in found:
            by_writer.setdefault(item["writer"], []).append(item["seq"])
        assert by_writer["before"] == list(range(1, 11))
        for seqs in by_writer.values():
            assert sorted(seqs) == list(range(1, len(seqs) + 1))
    stop.set()
    thread.join()
