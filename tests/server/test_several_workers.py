"""Workers share a port, are replaced when they die, end with their parent, and count together."""

import os
import signal
import time
from pathlib import Path

from served import listens, parsed, until


def worker_of(served):
    return int(parsed(served.get("/pid"))[2])


def workers_of(served, count):
    found = set()
    until(lambda: found.add(worker_of(served)) or len(found) == count)
    return found


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_dead_worker_is_replaced(serve):
    served = serve(workers=2)
    first = workers_of(served, 2)
    dead = first.pop()
    os.kill(dead, signal.SIGKILL)
    until(lambda: worker_of(served) not in {dead, *first})
    assert "a worker died and is replaced" in served.text()


def test_workers_end_with_a_parent_that_was_killed_and_the_port_is_free(serve):
    """HA-25."""
    served = serve(workers=2)
    pids = workers_of(served, 2)
    served.process.kill()
    until(lambda: all(gone(pid) for pid in pids))
    assert not listens(served.port)
    again = serve(workers=2, port=served.port)
    assert parsed(again.get("/livez"))[0] == 200


def test_what_a_killed_parent_leaves_behind_is_removed_at_the_next_start(serve, tmp_path):
    place = {"TMPDIR": str(tmp_path)}
    serve(workers=2, environ=place).process.kill()
    (left,) = tmp_path.glob("authsvc-metrics-*")
    living = serve(workers=2, environ=place)
    until(lambda: not left.exists())
    again = serve(workers=2, environ=place)
    assert len(list(tmp_path.glob("authsvc-metrics-*"))) == 2
    for served in (living, again):
        served.process.send_signal(signal.SIGTERM)
        assert served.wait() == 0
    assert not list(tmp_path.glob("authsvc-metrics-*"))


def test_a_worker_that_gets_the_signal_too_still_drains(serve):
    """A process manager signals every process of a service at once."""
    served = serve(workers=2, drain=2)
    for pid in workers_of(served, 2):
        os.kill(pid, signal.SIGTERM)
    served.process.send_signal(signal.SIGTERM)
    until(lambda: parsed(served.get("/readyz"))[0] == 503)
    assert parsed(served.get("/pid"))[0] == 200
    assert served.wait() == 0


def test_one_scrape_is_the_sum_of_all_workers_and_a_replaced_one_goes_on_counting(serve):
    served = serve(workers=2)
    pids = workers_of(served, 2)
    asked = scraped(served)
    for _ in range(20):
        served.get("/pid")
    until(lambda: scraped(served) == asked + 20)
    os.kill(pids.pop(), signal.SIGKILL)
    workers_of(served, 2)
    assert scraped(served) >= asked + 20
    text = served.get("/metrics").decode()
    assert text.count("\nprocess_resident_memory_bytes ") == 1
    assert text.count("\nauthsvc_policy_version ") == 1


def scraped(served):
    """The counted requests to /pid; workers carry their counts over once a second."""
    before, number = -1, 0
    while before != number:
        before = number
        time.sleep(1.5)
        lines = served.get("/metrics").decode().splitlines()
        found = [line for line in lines if 'reason="/pid"' in line]
        number = sum(int(float(line.split()[1])) for line in found)
    return number
