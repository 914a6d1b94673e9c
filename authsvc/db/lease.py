"""Which process of all runs an exclusive job: a row that its holder renews."""

from sqlalchemy import String, bindparam, text

from authsvc.clock import utc

from .engine import Database
from .models import UTCDateTime

# One statement, so that two that come at once cannot both have it. A lease that ends later than
# two of its lengths from now was written by a clock that was wrong: nobody waits for that.
_HOLD = text(
    "INSERT INTO leases (name, holder, until) VALUES (:name, :holder, :until)"
    " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until"
    " WHERE leases.holder = excluded.holder OR leases.until <= :now OR leases.until > :absurd"
).bindparams(
    bindparam("name", type_=String()),
    bindparam("holder", type_=String()),
    bindparam("until", type_=UTCDateTime()),
    bindparam("now", type_=UTCDateTime()),
    bindparam("absurd", type_=UTCDateTime()),
)


class Lease:
    """The right of `holder` to run what is named `name`, for `seconds` from each renewal."""

    def __init__(self, database: Database, name: str, holder: str, seconds: float) -> None:
        self._database = database
        self._name = name
        self._holder = holder
        self._seconds = seconds

    def hold(self, now: float) -> bool:
        """Take or renew the lease, as of wall clock `now`; False while somebody else has it.

        Raises Unavailable when the database does not answer: then it is not held.
        """
        with self._database.write() as session:
            result = session.connection().execute(
                _HOLD,
                {
                    "name": self._name,
                    "holder": self._holder,
                    "until": utc(now + self._seconds),
                    "now": utc(now),
                    "absurd": utc(now + 2 * self._seconds),
                },
            )
            return result.rowcount == 1
