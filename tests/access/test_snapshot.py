"""What a worker holds of the policy follows the database, with a real feed over real rows."""

import asyncio
import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest
from access.rows import Rows, change
from access.world import NOW, person, robot
from anyio import CapacityLimiter
from sqlalchemy import delete, update

from authsvc.access import snapshot
from authsvc.access.policy import decide
from authsvc.access.remembered import Remembered
from authsvc.access.snapshot import Snapshot
from authsvc.clock import FrozenClock
from authsvc.db.engine import Database
from authsvc.db.feed import Feed
from authsvc.db.models import Grant, Membership, Registry
from authsvc.errors import Unavailable
from authsvc.principal import ANONYMOUS
from authsvc.protocol.scope import parse

pytestmark = pytest.mark.anyio

ALICES_ROW = 101
ALICE = replace(person("alice"), id=str(ALICES_ROW))
STRANGER = person("nobody", "file")
MISSING = "no such database"


@pytest.fixture
def anyio_backend():
    return "asyncio"


class Gate(Database):
    """A real database whose readings can be held back at their end, and are counted."""

    def __init__(self, url):
        super().__init__(url)
        self.open = threading.Event()
        self.open.set()
        self.reached = threading.Event()
        self.readings = 0

    @contextmanager
    def read(self):
        with super().read() as session:
            self.readings += 1
            yield session
        self.reached.set()
        assert self.open.wait(60)

    def close(self):
        self.reached.clear()
        self.open.clear()

    async def is_reached(self):
        assert await asyncio.to_thread(self.reached.wait, 60)


def policy(rows: Rows) -> None:
    reg = rows.registry("reg")
    rows.namespace("open", visibility="public")
    alice = rows.subject("user", "alice", "local", id=ALICES_ROW)
    devs = rows.subject("group", "devs")
    rows.member(devs, alice)
    rows.grant(alice, "reader", "mine", registry_id=reg)
    rows.grant(devs, "writer", "team")
    rows.grant(rows.found("authenticated", "authenticated"), "reader", "inside")


CORPS = person("lana", "corp")


def corps(rows: Rows, external_id: str | None) -> None:
    lana = rows.subject("user", "lana", "corp", external_id=external_id)
    rows.member(rows.found("group", "devs"), lana)
    rows.grant(lana, "reader", "mine")


class House:
    """A snapshot over a database of its own, and the feed that feeds it."""

    def __init__(self, url):
        self.gate = Gate(url)
        self.database = Database(url)
        self.feed = Feed(self.database, FrozenClock(NOW), 1.0)
        self.snapshot = Snapshot(self.gate, self.feed, CapacityLimiter(2))

    async def news(self, *topics, edit=lambda rows: None):
        change(self.database, *topics, edit=edit)
        await self.feed.poll()

    async def gives(self, principal, scopes) -> list[str]:
        view = await self.snapshot.view(principal)
        registry = view.base.registries["reg"]
        asked = parse([scopes])
        found = decide(view, registry, asked, address="", address_known=True, now=NOW)
        return [entry.scope for entry in found.access]


@pytest.fixture
async def house(database_url):
    made = House(database_url)
    change(made.database, "base", edit=policy)
    await made.feed.poll()
    await made.snapshot.load()
    yield made
    made.gate.open.set()
    while made.snapshot._tasks:
        await asyncio.wait(made.snapshot._tasks)
    made.gate.dispose()
    made.database.dispose()


def grant_alice(pattern, role="writer"):
    return lambda rows: rows.grant(rows.found("user", "alice", "local"), role, pattern)


async def test_a_view_holds_own_rights_those_of_groups_and_of_the_audiences(house):
    scopes = "repository:mine/a:pull repository:team/a:push repository:inside/a:pull"
    assert await house.gives(ALICE, scopes) == scopes.split(" ")
    assert await house.gives(person("alice", "corp"), scopes) == ["repository:inside/a:pull"]
    assert await house.gives(robot("alice"), scopes) == []
    assert await house.gives(ANONYMOUS, "repository:open/a:pull,push") == ["repository:open/a:pull"]


async def test_a_view_is_the_same_object_and_read_once_until_something_changes(house):
    assert house.snapshot.view_now(ALICE) is None
    view = await house.snapshot.view(ALICE)
    readings = house.gate.readings
    assert house.snapshot.view_now(ALICE) is view
    assert house.snapshot.view_now(replace(ALICE)) is view  # an equal principal
    assert await house.snapshot.view(ALICE) is view
    assert house.gate.readings == readings


async def test_a_name_that_passed_to_another_brings_nothing_of_who_had_it(house):
    """LD-14, before the news of it are heard: rules are kept by name."""
    scopes = "repository:mine/a:pull repository:team/a:push repository:inside/a:pull"
    change(house.database, "base", edit=lambda rows: corps(rows, "entry-1"))
    await house.feed.poll()
    for who, newcomer in (
        (ALICE, replace(ALICE, id="102")),
        (replace(CORPS, id="entry-1"), replace(CORPS, id="entry-2")),
    ):
        assert await house.gives(who, scopes) == scopes.split(" ")
        assert await house.gives(newcomer, scopes) == ["repository:inside/a:pull"]
        assert await house.gives(who, scopes) == scopes.split(" ")


async def test_rules_made_to_a_name_before_it_was_seen_are_those_of_who_has_it(house):
    change(house.database, "base", edit=lambda rows: corps(rows, None))
    await house.feed.poll()
    assert await house.gives(CORPS, "repository:mine/a:pull") == ["repository:mine/a:pull"]


async def test_views_are_never_shared_between_principals(house):
    """Answers are remembered by view, and each holds its caller's name."""
    views = [
        await house.snapshot.view(who)
        for who in (STRANGER, person("other", "file"), ANONYMOUS, robot("x"), person("x"))
    ]
    assert len(set(views)) == 5
    assert [view.principal.name for view in views] == ["nobody", "other", "", "x", "x"]


@pytest.mark.parametrize(
    "topic",
    ["secret:7", "name:alice", "keys", "limit:x", "subject:user:corp:alice", "subject:robot:alice"],
)
async def test_news_about_something_else_changes_no_view(house, topic):
    view = await house.snapshot.view(ALICE)
    readings = house.gate.readings
    await house.news(topic)
    assert house.snapshot.view_now(ALICE) is view
    assert house.gate.readings == readings


async def test_news_about_a_subject_are_read_at_the_next_request(house):
    before = await house.snapshot.view(ALICE)
    await house.news("subject:user:local:alice", edit=grant_alice("new"))
    assert house.snapshot.view_now(ALICE) is None
    assert await house.gives(ALICE, "repository:new/a:push") == ["repository:new/a:push"]
    after = await house.snapshot.view(ALICE)
    assert after is not before
    assert after.version > before.version


async def test_news_about_a_group_reach_its_members_and_nobody_else(house):
    view, other = await house.snapshot.view(ALICE), await house.snapshot.view(person("bob"))
    await house.news("subject:group:devs", edit=lambda rows: rows.session.execute(delete(Grant)))
    assert house.snapshot.view_now(ALICE) is None
    assert await house.snapshot.view(ALICE) is not view
    assert house.snapshot.view_now(person("bob")) is other
    assert await house.gives(ALICE, "repository:team/a:push") == []


async def test_leaving_a_group_is_news_about_the_member(house):
    await house.snapshot.view(ALICE)
    await house.news(
        "subject:user:local:alice", edit=lambda rows: rows.session.execute(delete(Membership))
    )
    assert await house.gives(ALICE, "repository:team/a:push") == []


async def test_nesting_is_news_about_the_base(house):
    await house.snapshot.view(ALICE)

    def nest(rows):
        outer = rows.subject("group", "all")
        rows.member(outer, rows.found("group", "devs"))
        rows.grant(outer, "reader", "nested")

    await house.news("base", "subject:group:all", edit=nest)
    assert await house.gives(ALICE, "repository:nested/a:pull") == ["repository:nested/a:pull"]


async def test_a_registry_is_as_the_last_news_say(house):
    assert house.snapshot.registry("reg").enabled
    assert house.snapshot.registry("other") is None
    await house.news(
        "base", edit=lambda rows: rows.session.execute(update(Registry).values(enabled=False))
    )
    await asyncio.wait(house.snapshot._tasks)  # begun by the news, whoever asks
    assert not house.snapshot.registry("reg").enabled


async def test_until_news_about_the_base_are_read_no_view_is_given(house):
    await house.snapshot.view(ALICE)
    house.gate.close()
    await house.news("base", edit=lambda rows: rows.registry("new"))
    assert house.snapshot.registry("reg").enabled  # as it was: the reading is under way
    assert house.snapshot.view_now(ALICE) is None
    house.gate.open.set()
    view = await house.snapshot.view(ALICE)
    assert "new" in view.base.registries
    assert house.snapshot.base is view.base


async def test_a_stranger_takes_no_place_among_the_rules(house):
    await house.snapshot.view(ALICE)
    held, readings = len(house.snapshot._rules), house.gate.readings
    for number in range(20):
        view = await house.snapshot.view(person(f"nobody{number}", "file", ("group:file:x",)))
        assert [rules.subject for rules in view.rules] == ["authenticated"]
    assert len(house.snapshot._rules) == held
    assert house.gate.readings == readings + 20
    assert house.snapshot.view_now(person("nobody3", "file", ("group:file:x",))) is not None


async def test_a_stranger_who_is_granted_something_is_none_any_more(house):
    assert await house.gives(STRANGER, "repository:gift/a:pull") == []
    await house.news(
        "subject:user:file:nobody",
        edit=lambda rows: rows.grant(rows.subject("user", "nobody", "file"), "reader", "gift"),
    )
    assert await house.gives(STRANGER, "repository:gift/a:pull") == ["repository:gift/a:pull"]


async def test_a_directory_group_that_the_source_asserts_counts(house):
    await house.news(
        "subject:group:corp:ops",
        edit=lambda rows: rows.grant(rows.subject("group", "ops", "corp"), "reader", "ops"),
    )
    eve = person("eve", "corp", ("group:corp:ops",))
    assert await house.gives(eve, "repository:ops/a:pull") == ["repository:ops/a:pull"]
    # Another set of groups is another principal: no view of it is remembered for this one.
    assert await house.gives(person("eve", "corp"), "repository:ops/a:pull") == []


async def test_a_replaced_history_forgets_everything(house):
    before = await house.snapshot.view(ALICE)
    with house.database.write() as session:
        grant_alice("restored")(Rows(session))
    house.feed._tell(type(house.feed)._read(house.feed, None))
    assert house.snapshot.view_now(ALICE) is None
    assert await house.gives(ALICE, "repository:restored/a:pull") == ["repository:restored/a:pull"]
    assert await house.snapshot.view(ALICE) is not before


async def test_what_was_read_before_news_about_it_is_dropped(house):
    house.gate.close()
    asked = asyncio.create_task(house.gives(ALICE, "repository:new/a:push"))
    await house.gate.is_reached()  # read, and not yet handed over
    await house.news("subject:user:local:alice", edit=grant_alice("new"))
    house.gate.open.set()
    assert await asked == ["repository:new/a:push"]


async def test_the_base_read_before_news_about_it_is_dropped(house):
    house.gate.close()
    await house.news("base", edit=lambda rows: rows.registry("first"))
    await house.gate.is_reached()
    await house.news("base", edit=lambda rows: rows.registry("second"))
    house.gate.open.set()
    assert "second" in (await house.snapshot.view(ALICE)).base.registries


async def test_equal_readings_at_once_share_one(house):
    house.gate.close()
    readings = house.gate.readings
    asked = [asyncio.create_task(house.snapshot.view(ALICE)) for _ in range(20)]
    await house.gate.is_reached()
    assert house.gate.readings == readings + 1
    house.gate.open.set()
    assert len(set(await asyncio.gather(*asked))) == 1
    assert house.gate.readings == readings + 2  # alice and, once it is known, her group


async def test_a_reading_goes_on_when_the_one_who_began_it_goes_away(house):
    house.gate.close()
    first = asyncio.create_task(house.snapshot.view(ALICE))
    await house.gate.is_reached()
    second = asyncio.create_task(house.snapshot.view(ALICE))
    await asyncio.sleep(0)
    first.cancel()
    house.gate.open.set()
    assert (await second).principal is ALICE
    assert first.cancelled() or first.cancelling()


async def test_a_reading_that_takes_too_long_is_an_error_and_is_used_when_it_comes(
    house, monkeypatch
):
    monkeypatch.setattr(snapshot, "PATIENCE", 0.05)
    house.gate.close()
    with pytest.raises(Unavailable):
        await house.snapshot.view(ALICE)
    readings = house.gate.readings
    house.gate.open.set()
    monkeypatch.undo()
    assert await house.snapshot.view(ALICE)
    assert house.gate.readings == readings + 1  # her group, which nobody knew of before


async def test_a_database_that_does_not_answer_is_an_error_and_leaves_what_is_known(house):
    view = await house.snapshot.view(ALICE)
    read = house.snapshot._read
    house.snapshot._read = lambda topics: (_ for _ in ()).throw(
        Unavailable(MISSING, what="database")
    )
    with pytest.raises(Unavailable, match=MISSING):
        await house.snapshot.view(person("bob"))
    assert house.snapshot.view_now(ALICE) is view
    house.snapshot._read = read
    assert (await house.snapshot.view(person("bob"))).principal.name == "bob"


async def test_a_state_older_than_the_news_is_not_taken(house):
    house.feed.version += 1
    with pytest.raises(Unavailable, match="behind its own news"):
        await house.snapshot.view(ALICE)
    house.feed.version -= 1
    assert await house.snapshot.view(ALICE)


async def test_a_policy_that_never_stands_still_is_an_error_and_no_endless_loop(house):
    read = house.snapshot._read

    def read_and_forget(topics):
        loop.call_soon_threadsafe(house.snapshot._forget, frozenset(topics))
        return read(topics)

    loop = asyncio.get_running_loop()
    house.snapshot._read = read_and_forget
    with pytest.raises(Unavailable, match="faster than it can be read"):
        await house.snapshot.view(ALICE)


async def test_before_the_first_reading_there_is_no_policy(database_url):
    made = House(database_url)
    with pytest.raises(Unavailable):
        _ = made.snapshot.base
    assert made.snapshot.view_now(ANONYMOUS) is None
    made.gate.dispose()
    made.database.dispose()


def test_a_bounded_memory_lets_go_of_what_was_used_longest_ago():
    memory: Remembered[str, int] = Remembered(2)
    memory.put("a", 1)
    memory.put("b", 2)
    assert memory.get("a") == 1
    memory.put("c", 3)
    assert (memory.get("a"), memory.get("b"), memory.get("c")) == (1, None, 3)
    assert len(memory) == 2
    memory.forget("a")
    memory.forget("a")
    memory.clear()
    assert len(memory) == 0
