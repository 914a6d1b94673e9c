"""Many callers at once on a few connections: everybody gets their own answer."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from identity.parts import NOW, house
from real.company import person

from authsvc.errors import Unavailable
from authsvc.identity.ldap.pool import KEPT
from authsvc.identity.provider import Rejected, Verified

CROWD = {f"crowd-{number}": f"password of {number}" for number in range(20)}


@pytest.fixture(scope="module")
def crowded(slapd):
    slapd.add([person(name, password) for name, password in CROWD.items()])
    return slapd


@pytest.mark.parametrize("start_tls", [False, True])
def test_nobody_gets_another_ones_identity(crowded, sources, start_tls):
    """LD-19: 100 binds of 20 people on 16 threads, a third of them with a neighbour's password."""
    corp = sources(crowded.url, start_tls=start_tls, ca_file=str(crowded.authority.ca))
    names = list(CROWD) * 5
    shown = [names[n - 1] if n % 3 == 0 else name for n, name in enumerate(names)]

    def login(name, whose):
        return corp.verify(name, CROWD[whose], NOW)

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(login, names, shown))
    for name, whose, answer in zip(names, shown, answers, strict=True):
        if name == whose:
            assert answer.principal.name == name
        else:
            assert answer == Rejected("wrong_password")
    assert len(corp._servers._states[0].server._binding._idle) <= KEPT


def test_callers_who_go_away_leave_nothing_for_the_next(crowded, sources):
    """LD-19, with client aborts: the request is cancelled, its thread goes on."""
    corp = sources(crowded.url)

    async def crowd(home):
        waiting = [
            asyncio.create_task(home.identify(name, CROWD[name])) for name in list(CROWD) * 3
        ]
        for number, task in enumerate(waiting):
            if number % 4 == 0:
                await asyncio.sleep(0)
                task.cancel()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        return zip(list(CROWD) * 3, answers, strict=True)

    with house(corp, threads=8, queue=200) as home:
        for name, answer in asyncio.run(crowd(home)):
            if not isinstance(answer, asyncio.CancelledError):
                assert answer.principal.name == name
        again = asyncio.run(home.identify("crowd-1", CROWD["crowd-2"]))
    assert again == Rejected("wrong_password")


def test_a_directory_restarted_under_load_gives_no_wrong_answer(slapd_of_its_own, sources):
    server = slapd_of_its_own
    server.add([person(name, password) for name, password in CROWD.items()])
    corp = sources(server.url)

    def login(name):
        try:
            return name, corp.verify(name, CROWD[name], NOW)
        except Unavailable:
            return name, None

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(login, name) for name in list(CROWD) * 10]
        server.process.kill()
        server.start()
    for answer in answers:
        name, outcome = answer.result()
        assert outcome is None or (isinstance(outcome, Verified) and outcome.principal.name == name)
