import json
import os
import resource
import signal
import stat

import pytest
from audit.forwards import forwarded, wait_until, written

from authsvc.audit.exporting import export
from authsvc.audit.sinks.file import FileSink

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "audit.jsonl"


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def records(count, text=""):
    return [{"seq": seq, "text": text} for seq in range(count)]


def test_every_record_is_a_line_as_it_is_exported_for_its_owner_alone(database, path):
    written(database, 500)
    with forwarded(database, FileSink("file", path)):
        wait_until(lambda: len(lines(path)) == 500)
    with database.read() as session:
        assert lines(path) == sorted(export(session), key=lambda each: each["seq"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_is_rotated_away_is_made_anew_and_nothing_is_lost(database, path):
    with forwarded(database, FileSink("file", path)):
        written(database, 50, writer="one")
        wait_until(lambda: len(lines(path)) == 50)
        path.rename(path.with_name("audit.1"))
        written(database, 50, writer="two")
        wait_until(lambda: len(lines(path)) == 50)
    assert {each["writer"] for each in lines(path.with_name("audit.1"))} == {"one"}
    assert [each["seq"] for each in lines(path)] == list(range(1, 51))


def test_a_folder_that_is_missing_makes_it_late_until_it_is_there(database, path, monkeypatch):
    monkeypatch.setattr("authsvc.audit.forwarder.LATE", 0.2)
    there = path.with_name("folder") / "audit.jsonl"
    written(database, 5)
    with forwarded(database, FileSink("file", there)) as forwarding:
        state = forwarding.states["sink file"]
        wait_until(lambda: state() == "degraded")
        there.parent.mkdir()
        wait_until(lambda: len(lines(there)) == 5)
        wait_until(lambda: state() == "ok")


@pytest.fixture
def little_room():
    """No file of this process gets longer than 64 KiB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    assert signal.getsignal(signal.SIGXFSZ) is signal.SIG_IGN
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_whole_lines_alone(path, little_room):
    sink = FileSink("file", path)
    sink.take(records(10))
    with pytest.raises(OSError, match="File too large"):
        sink.take(records(1_000, "x" * 200))
    assert [each["seq"] for each in lines(path)] == list(range(10))
    sink.take(records(1))
    assert len(lines(path)) == 11
    sink.close()


@pytest.mark.parametrize(
    ("torn", "kept"),
    [("", ""), ('{"a":1}\n', '{"a":1}\n'), ('{"a":1}\n{"b', '{"a":1}\n'), ('{"b' * 50_000, "")],
    ids=["empty", "whole", "torn", "one torn line longer than a look"],
)
def test_a_line_that_a_killed_process_left_unfinished_is_cut_off(path, torn, kept):
    path.write_text(torn)
    sink = FileSink("file", path)
    sink.take([{"seq": 1}])
    sink.close()
    assert path.read_text() == kept + '{"seq":1}\n'


def test_two_processes_never_write_one_file(path):
    one, other = FileSink("file", path), FileSink("file", path)
    one.take(records(1))
    with pytest.raises(BlockingIOError):
        other.take(records(1))
    one.close()
    other.take(records(1))
    other.close()
    assert len(lines(path)) == 2


def test_what_is_no_file_is_refused_and_not_waited_for(path):
    os.mkfifo(path)
    with pytest.raises(OSError, match="no regular file"):
        FileSink("file", path).take(records(1))
