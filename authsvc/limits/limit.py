"""What a limit is, and what it means to have reached one."""

from dataclasses import dataclass
from math import ceil

from limits import parse

from authsvc.errors import Limited


@dataclass(frozen=True, slots=True)
class Limit:
    """`amount` in any `window` seconds. `text` is the setting that it was read from."""

    name: str
    amount: int
    window: float
    text: str

    def shared_out(self, workers: int) -> "Limit":
        """What one of so many workers may count by itself; one at least."""
        share = max(1, self.amount // workers)
        return Limit(self.name, share, self.window, self.text)

    def of(self, amount: int) -> "Limit":
        """The same for another amount, as it is where an address is known."""
        _, _, window = self.text.partition("/")
        return Limit(self.name, amount, self.window, f"{amount}/{window}")


def limit(name: str, text: str) -> Limit | None:
    """The limit that a setting such as `10/5minutes` means; None for an empty one, which is off.

    Raises ValueError for a text that settings refuse too.
    """
    if not text:
        return None
    item = parse(text)
    return Limit(name, item.amount, float(item.get_expiry()), text)


@dataclass(frozen=True, slots=True)
class Reached:
    """A limit that refuses. `key` is whose, hashed; `wait` the seconds until it may admit again.

    One that is not `certain` refuses for a moment, until it is known whether it was reached.
    """

    limit: Limit
    key: bytes
    wait: float
    certain: bool = True

    def error(self) -> Limited:
        """The answer. It says the same whether the account exists or not."""
        what = "token requests" if self.limit.name.endswith("requests") else "failed sign-ins"
        seconds = max(1, ceil(self.wait))
        return Limited(
            f"too many {what}",
            retry_after=seconds,
            advice=f"try again in {seconds} s",
            policy=self.limit.name,
            quota=self.limit.amount,
            window=ceil(self.limit.window),
        )
