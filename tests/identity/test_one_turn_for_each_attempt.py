"""An attempt waits for the slow threads as often, wherever its name is known.

Under 100 connections of wrong passwords an unknown name was answered after 3.6 s, one of a file
after 2.4 s and a local one after 1.2 s, since each source and the work for nobody queued anew.
"""

import asyncio
import threading
from contextlib import closing

import pytest
from identity.limited import Book
from identity.parts import NOW, SECRET, People, hashed, house, htpasswd_line

from authsvc.clock import FrozenClock
from authsvc.errors import Unavailable
from authsvc.identity.bulkhead import Bulkhead
from authsvc.identity.htpasswd import Htpasswd
from authsvc.identity.provider import Rejected
from authsvc.identity.sources import Source, Sources


class Gated(People):
    """Local people whose first look-up waits for `go`; notes who was looked up, in order."""

    def __init__(self):
        super().__init__()
        self.busy, self.go, self.order = threading.Event(), threading.Event(), []

    def find(self, name):
        self.order.append(name)
        if name == "first":
            self.busy.set()
            self.go.wait(10)
        return super().find(name)


def test_whoever_came_first_is_through_before_the_next_begins(tmp_path):
    path = tmp_path / "htpasswd"
    path.write_text(htpasswd_line("filed", SECRET))
    people = Gated()
    people.add("last", stored_hash=hashed(SECRET))
    file = Htpasswd("file", path, ["bcrypt"], pause=lambda _seconds: None)

    async def story():
        with house(people.provider(), file, threads=1) as at:
            names = ["first", "nobody", "filed", "last"]
            asked = [asyncio.create_task(at.identify(name, "wrong")) for name in names[:1]]
            await asyncio.to_thread(people.busy.wait, 10)
            for name in names[1:]:
                asked.append(asyncio.create_task(at.identify(name, "wrong")))
                await asyncio.sleep(0)
            people.go.set()
            answers = await asyncio.gather(*asked)
            assert [answer.reason for answer in answers] == [
                "unknown_user", "unknown_user", "wrong_password", "wrong_password"
            ]  # fmt: skip
            assert people.order == names
            by_source = [source for source, _ in at.checks]
            assert by_source == ["local", "file", "local", "file", "local", "file", "local"]
            assert at.costs.spent == 2

    asyncio.run(story())


class Spending:
    """The work for a name that nobody knows; notes the threads that did it."""

    def __init__(self):
        self.threads = []

    def __call__(self, password):
        self.threads.append(threading.current_thread().name)


class Turns(Bulkhead):
    """Counts the calls that it runs."""

    taken = 0

    async def run(self, call, *args):
        self.taken += 1
        return await super().run(call, *args)


ORDERS = {
    ("local", "corp"): 2,
    ("local", "corp", "file"): 2,
    ("local", "corp", "file", "dept"): 3,
    ("local", "file"): 1,
}


@pytest.mark.parametrize(
    ("names", "where"), [(names, where) for names in ORDERS for where in (*names, None)]
)
def test_a_refused_name_queues_for_slow_hashes_as_often_wherever_it_is_known(names, where):
    """F31: and the work for a name that nobody knows is done by those threads and no others."""
    slow = Turns("slow hashes", threads=1, queue=4)
    far = {name: Bulkhead(name, threads=1, queue=4) for name in ("corp", "dept")}
    sources = [
        Source(Book({"alice": SECRET} if name == where else {}, name), far.get(name, slow))
        for name in names
    ]
    spend = Spending()
    asked = Sources(sources, FrozenClock(NOW), lambda *_: None, spend=spend)
    answer = asyncio.run(asked.ask("alice", "wrong", NOW))
    for each in (slow, *far.values()):
        each.close()
    assert answer.outcome == Rejected("wrong_password" if where else "unknown_user")
    assert slow.taken == ORDERS[names]
    assert [name.startswith("slow hashes") for name in spend.threads] == ([] if where else [True])


def test_a_no_that_finds_no_place_among_slow_hashes_is_a_no_all_the_same():
    """What a directory said of an account that was disabled must not be lost."""

    class Full(Turns):
        async def run(self, call, *args):
            if self.taken:
                raise Unavailable("too many calls wait", what="slow hashes")
            return await super().run(call, *args)

    async def story(name):
        with (
            closing(Full("slow hashes", threads=1, queue=4)) as slow,
            closing(Bulkhead("corp", threads=1, queue=4)) as far,
        ):
            sources = [Source(Book({}, "local"), slow), Source(Book(name="corp"), far)]
            asked = Sources(sources, FrozenClock(NOW), lambda *_: None, spend=Spending())
            return (await asked.ask(name, "wrong", NOW)).outcome.reason

    assert asyncio.run(story("alice")) == "wrong_password"
    assert asyncio.run(story("nobody")) == "unknown_user"
