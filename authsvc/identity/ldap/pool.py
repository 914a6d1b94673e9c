"""Connections to one server for one use, kept open between the calls that need them."""

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from authsvc.identity.ldap.link import Link, NoAnswer

IDLE_FOR = 30.0  # seconds; what lies unused for longer may have been cut silently by a firewall
KEPT = 8  # connections that lie open at most

T = TypeVar("T")


class Pool:
    """`open_link` makes a connection; one call may take `timeout` seconds.

    Used from any thread: a connection belongs to whoever took it out of the deque.
    """

    def __init__(
        self,
        open_link: Callable[[], Link],
        timeout: float,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open = open_link
        self._timeout = timeout
        self._timer = timer
        self._idle: deque[Link] = deque()
        self._closed = False

    def run(self, call: Callable[[Link, float], T], deadline: float) -> T:
        """What `call` returns for a connection and the moment by which it must end.

        Raises what it or the opening raises; NoAnswer and Refused are those of `link`.
        """
        link = self._take()
        if link is not None:
            began = self._timer()
            try:
                return self._use(link, call, deadline)
            except NoAnswer:
                if self._timer() - began >= self._timeout:
                    raise  # it hangs; else it closed this one while it lay idle
            self.drop()
        return self._use(self._open(), call, deadline)

    def drop(self, idle_for: float = 0.0) -> None:
        """Close what has lain idle for so many seconds."""
        for _ in range(len(self._idle)):
            with suppress(IndexError):
                link = self._idle.popleft()
                if self._timer() - link.used < idle_for:
                    self._idle.appendleft(link)  # the oldest lies leftmost
                    return
                link.close()

    def close(self) -> None:
        """Close what lies open, and what is in use as soon as it is given back."""
        self._closed = True
        self.drop()

    def _use(self, link: Link, call: Callable[[Link, float], T], deadline: float) -> T:
        try:
            answer = call(link, min(deadline, self._timer() + self._timeout))
        except BaseException:
            link.close()
            raise
        if len(self._idle) < KEPT and not self._closed:
            self._idle.append(link)
        else:
            link.close()
        return answer

    def _take(self) -> Link | None:
        with suppress(IndexError):
            while True:
                link = self._idle.pop()
                if self._timer() - link.used < IDLE_FOR:
                    return link
                link.close()
        return None
