import pytest
from db.processes import finish, start

from authsvc.db.lease import Lease

NOW = 1_767_000_000.0


@pytest.fixture
def lease(database):
    return lambda holder, name="job": Lease(database, name, holder, 10)


def test_the_first_holds_it_and_renews_it(lease):
    one, other = lease("one"), lease("other")
    assert one.hold(NOW)
    assert not other.hold(NOW + 1)
    assert one.hold(NOW + 9)
    assert not other.hold(NOW + 18)


def test_another_takes_over_after_its_end(lease):
    one, other = lease("one"), lease("other")
    assert one.hold(NOW)
    assert not other.hold(NOW + 9.9)
    assert other.hold(NOW + 10)
    assert not one.hold(NOW + 10)


def test_each_name_is_a_lease_of_its_own(lease):
    assert lease("one").hold(NOW)
    assert lease("other", "another job").hold(NOW)


def test_a_holder_whose_clock_went_back_still_holds_it(lease):
    one = lease("one")
    assert one.hold(NOW)
    assert one.hold(NOW - 3600)
    assert lease("other").hold(NOW - 3590)


def test_a_lease_that_a_wrong_clock_gave_an_absurd_end_holds_nobody_up(lease):
    assert lease("one").hold(NOW + 3600)
    assert lease("other").hold(NOW)


TAKE = """
import sys
from authsvc.db.engine import Database
from authsvc.db.lease import Lease
lease = Lease(Database(sys.argv[1]), "job", sys.argv[2], 10)
print(sum(lease.hold(1_767_000_000.0) for _ in range(20)))
lease._database.dispose()
"""


def test_of_several_processes_one_holds_it(database_url):
    outputs = finish(*[start(TAKE, database_url, holder) for holder in "abc"])
    assert sorted(map(int, outputs)) == [0, 0, 20]
