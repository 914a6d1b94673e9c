"""An attempt waits for the slow threads once, wherever its name is known.

Under 100 connections of wrong passwords an unknown name was answered after 3.6 s, one of a file
after 2.4 s and a local one after 1.2 s, since each source and the work for nobody queued anew.
"""

import asyncio
import threading

from identity.parts import SECRET, People, hashed, house, htpasswd_line

from authsvc.identity.htpasswd import Htpasswd


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
