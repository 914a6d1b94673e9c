import asyncio
import gc
import threading

import pytest

from authsvc.db.batch import Batch, Undecided
from authsvc.errors import Unavailable


class Writer:
    """Writes into a list; waits at a gate, and fails as often as it is told."""

    def __init__(self):
        self.batches = []
        self.failures = 0
        self.threads = set()
        self.gate = threading.Event()
        self.gate.set()
        self.reached = threading.Event()

    def __call__(self, items):
        self.threads.add(threading.current_thread())
        self.reached.set()
        self.gate.wait(30)
        if self.failures:
            self.failures -= 1
            raise OSError("the disk is full")
        self.batches.append(list(items))

    @property
    def items(self):
        return [item for batch in self.batches for item in batch]


def run(story, limit=100, patience=30.0):
    """Run `story(batch, writer)` on an event loop; nothing it left behind may complain."""

    async def main():
        complaints = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        writer = Writer()
        batch = Batch(writer, limit=limit, name="audit", patience=patience)
        batch.start()
        await story(batch, writer)
        writer.gate.set()
        await batch.stop()
        gc.collect()
        await asyncio.sleep(0)
        assert complaints == []
        return writer

    return asyncio.run(main())


async def reached(writer):
    """Until the writer thread has a batch in its hands."""
    await asyncio.to_thread(writer.reached.wait, 30)


def test_an_item_is_written_when_its_put_comes_back():
    async def story(batch, writer):
        await batch.put("one")
        assert writer.items == ["one"]
        assert batch.pending == 0

    run(story)


def test_items_of_one_round_share_a_batch_and_their_order_is_kept():
    async def story(batch, writer):
        await asyncio.gather(*[batch.put(number) for number in range(50)])
        assert writer.batches == [list(range(50))]

    run(story)


def test_what_comes_while_a_batch_is_written_is_the_next_one():
    async def story(batch, writer):
        writer.gate.clear()
        first = batch.put("first")
        await reached(writer)
        later = [batch.put("second"), batch.put("third")]
        assert batch.pending == 3
        assert not first.done()
        writer.gate.set()
        await asyncio.gather(first, *later)
        assert writer.batches == [["first"], ["second", "third"]]

    assert len(run(story).threads) == 1


def test_a_waiter_that_is_cancelled_ends_nothing_but_its_own_waiting():
    async def story(batch, writer):
        async def wait(item):
            await batch.put(item)

        writer.gate.clear()
        first = asyncio.create_task(wait("gone while written"))
        await reached(writer)
        second = asyncio.create_task(wait("gone while in the list"))
        stays = asyncio.create_task(wait("stays"))
        await asyncio.sleep(0)
        first.cancel()
        second.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        writer.gate.set()
        await stays
        await batch.put("next")
        assert writer.items == ["gone while written", "gone while in the list", "stays", "next"]

    run(story)


def test_an_exception_in_a_waiter_does_not_end_the_batches():
    async def story(batch, writer):
        async def fail(item):
            await batch.put(item)
            raise ConnectionResetError

        done = await asyncio.gather(fail(1), fail(2), return_exceptions=True)
        assert [type(result) for result in done] == [ConnectionResetError] * 2
        await asyncio.gather(batch.put(3), batch.put(4))
        assert writer.items == [1, 2, 3, 4]

    run(story)


def test_a_failed_write_fails_all_of_its_batch_and_the_next_one_tries_anew():
    async def story(batch, writer):
        writer.failures = 1
        done = await asyncio.gather(batch.put(1), batch.put(2), return_exceptions=True)
        assert [type(fault) for fault in done] == [Unavailable, Unavailable]
        assert done[0] is not done[1]
        assert (done[0].what, done[0].retry_after) == ("audit", 1)
        assert isinstance(done[0].__cause__, OSError)
        await batch.put(3)
        assert writer.items == [3]

    run(story)


def test_a_cancelled_waiter_of_a_failed_batch_is_not_complained_about():
    async def story(batch, writer):
        writer.gate.clear()
        writer.failures = 1
        waiter = batch.put(1)
        await reached(writer)
        waiter.cancel()
        writer.gate.set()
        await batch.put(2)
        assert writer.items == [2]

    run(story)


def test_a_full_list_is_unavailable_at_once():
    async def story(batch, writer):
        writer.gate.clear()
        waiters = [batch.put("written")]
        await reached(writer)
        waiters += [batch.put(number) for number in range(3)]
        with pytest.raises(Unavailable):
            batch.put("too many")
        with pytest.raises(Unavailable):
            batch.put_soon("too many")
        writer.gate.set()
        await asyncio.gather(*waiters)
        assert writer.items == ["written", 0, 1, 2]

    run(story, limit=3)


def test_nobody_waits_for_a_writer_that_hangs():
    async def story(batch, writer):
        writer.gate.clear()
        first = batch.put("hangs")
        await reached(writer)
        second = batch.put("in the list")
        with pytest.raises(Undecided):
            await first
        with pytest.raises(Unavailable) as refused:
            await second
        assert not isinstance(refused.value, Undecided)
        assert batch.overdue
        with pytest.raises(Unavailable):
            batch.put("refused")
        batch.put_soon("soon")
        writer.gate.set()
        while batch.overdue:  # noqa: ASYNC110 - until the thread has come back
            await asyncio.sleep(0.001)
        await batch.put("works again")
        assert writer.items == ["hangs", "soon", "works again"]

    run(story, patience=0.05)


def test_an_item_left_undecided_is_tried_until_it_is_durable():
    async def story(batch, writer):
        writer.gate.clear()
        writer.failures = 1
        undecided = batch.put("hangs, then fails")
        await reached(writer)
        with pytest.raises(Undecided):
            await undecided
        writer.gate.set()
        while batch.overdue:  # noqa: ASYNC110 - until the thread has come back
            await asyncio.sleep(0.001)
        await batch.put("works again")
        assert writer.items == ["hangs, then fails", "works again"]

    run(story, patience=0.05)


def test_what_nobody_waits_for_is_kept_over_a_failure_in_its_order():
    async def story(batch, writer):
        writer.failures = 2
        batch.put_soon(1)
        batch.put_soon(2)
        with pytest.raises(Unavailable):
            await batch.put(3)
        with pytest.raises(Unavailable):
            await batch.put(4)
        await batch.put(5)
        assert writer.items == [1, 2, 5]

    run(story)


def test_what_nobody_waits_for_is_tried_again_by_itself():
    async def story(batch, writer):
        writer.failures = 1
        batch.put_soon(1)
        while not writer.items:  # noqa: ASYNC110 - until it was tried again
            await asyncio.sleep(0.01)
        assert writer.items == [1]

    run(story)


def test_stopping_writes_what_is_pending_and_takes_no_more():
    async def story(batch, writer):
        writer.gate.clear()
        waiters = [batch.put(1)]
        await reached(writer)
        waiters.append(batch.put(2))
        batch.put_soon(3)
        stopped = asyncio.create_task(batch.stop())
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            batch.put(4)
        writer.gate.set()
        await stopped
        await asyncio.gather(*waiters)
        assert writer.items == [1, 2, 3]
        assert all(not thread.is_alive() for thread in writer.threads)

    run(story)


def test_stopping_ends_though_nothing_can_be_written():
    async def story(batch, writer):
        writer.failures = 100
        batch.put_soon(1)
        await batch.stop()

    assert run(story).items == []


def test_without_a_start_nothing_is_taken():
    with pytest.raises(Unavailable):
        Batch(print, limit=1, name="audit").put(1)
