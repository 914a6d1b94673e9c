"""Verified and refused passwords, remembered for a short time under a keyed hash.

The key is made at the start and never leaves the process, so that what is held here is worth
nothing elsewhere. An answer ends by its time, by news on a topic it is about, or when the
providers no longer hold what it was given for. All of it lives on the event loop.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from authsvc.identity.provider import Rejected, Verified

MOST_RIGHT = 100_000  # about 1 KiB each
MOST_TEXTS = 20_000  # about 150 bytes each
MOST_ADDRESSES = 1_000  # where one password is remembered to have been shown
MOST_WRONG = 10_000  # bounded apart, so that guesses never push out what was right


@dataclass(frozen=True, slots=True)
class Remembered:
    """An answer and how long it holds.

    `about` are the topics of the change feed that end it, `ends` is in monotonic seconds, and
    `is_current` asks the providers, without blocking. `account` stands for the account in limits,
    b"" when none bounds this; `addresses` are those where it was shown. `grace` is what counts
    instead while the directory that gave it cannot be asked; `secret` stands for what was shown
    then, whatever the name was typed like.
    """

    outcome: Verified | Rejected
    about: frozenset[str]
    ends: float
    is_current: Callable[[], bool]
    account: bytes = b""
    addresses: set[str] = field(default_factory=set)
    grace: "Remembered | None" = None
    secret: bytes = b""

    def meet(self, address: str) -> None:
        """Note that it was shown at this address too."""
        if len(self.addresses) >= MOST_ADDRESSES:
            self.addresses.clear()
        self.addresses.add(address)

    def part(self, address: str) -> None:
        """Forget that it was shown at this address."""
        self.addresses.discard(address)


class CredentialCache:
    """What was right is remembered for everybody, what was wrong for the address it came from.

    `key` is 16 to 64 random bytes of this process.
    """

    def __init__(self, key: bytes, *, right: int = MOST_RIGHT, wrong: int = MOST_WRONG) -> None:
        self._keyed = hashlib.blake2b(key=key, digest_size=32)
        self._right = _Answers(right)
        self.entry = self._right.get
        """What was verified for a pair (its digest, monotonic seconds), when it still holds."""
        self._wrong = _Answers(wrong)
        self._texts: dict[bytes, bytes] = {}

    def pair_of(self, text: bytes) -> bytes | None:
        """The pair that this text was noted for, by its key."""
        keyed = self._keyed.copy()
        keyed.update(text)
        return self._texts.get(keyed.digest())

    def note_text(self, text: bytes, digest: bytes) -> None:
        """Note that a text shows the pair `digest`, which stays true whatever becomes of it."""
        if len(self._texts) >= MOST_TEXTS:
            self._texts.clear()
        keyed = self._keyed.copy()
        keyed.update(text)
        self._texts[keyed.digest()] = digest

    def digest(self, username: str, secret: str) -> bytes:
        """The key of this pair. A NUL divides them, since no name holds one."""
        keyed = self._keyed.copy()
        keyed.update(f"{username}\0{secret}".encode("utf-8", "surrogatepass"))
        return keyed.digest()

    def right(self, digest: bytes, now: float) -> Verified | None:
        """What was verified for this pair, when it still holds."""
        found = self._right.get(digest, now)
        return found.outcome if found and isinstance(found.outcome, Verified) else None

    def wrong(self, digest: bytes, address: str, now: float) -> Rejected | None:
        """What was refused for this pair from this address, when it still holds."""
        found = self._wrong.get(_from(digest, address), now)
        return found.outcome if found and isinstance(found.outcome, Rejected) else None

    def remember(self, digest: bytes, address: str, answer: Remembered) -> None:
        """Keep an answer that was given for this pair, shown from this address."""
        if isinstance(answer.outcome, Verified):
            self._right.put(digest, answer)
        else:
            self._wrong.put(_from(digest, address), answer)

    def refuse(self, digest: bytes) -> None:
        """Let go of what was right for this pair: it is wrong now."""
        self._right.drop(digest)

    def agree(self, topic: str, verified: Verified, secret: bytes) -> None:
        """Let go of what was right on a topic and may be so no longer, since `secret` is verified.

        What is of somebody else ends. Another secret of the same person may be an old one unless
        the source knows that none was changed: it has no grace any more.
        """
        for key, answer in self._right.about(topic):
            if isinstance(answer.outcome, Verified) and answer.outcome.credential_id is not None:
                continue  # a minted secret: its own topic ends it
            if not isinstance(answer.outcome, Verified) or not _is_same(answer.outcome, verified):
                self._right.drop(key)
            elif answer.secret != secret and not _is_unchanged(answer.outcome, verified):
                self._right.end_grace(key)

    def forget(self, topics: frozenset[str] | None) -> None:
        """End what these topics are about; None ends everything."""
        for answers in (self._right, self._wrong):
            if topics is None:
                answers.clear()
            else:
                answers.drop_about(topics)


class _Answers:
    """The `most` answers that were used last, by key, and which keys each topic ends."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._answers: OrderedDict[bytes, Remembered] = OrderedDict()
        self._keys: dict[str, set[bytes]] = {}

    def get(self, key: bytes, now: float) -> Remembered | None:
        answer = self._answers.get(key)
        if answer is None:
            return None
        if now < answer.ends and answer.is_current():
            self._answers.move_to_end(key)
            return answer
        grace = answer.grace
        if grace is None or now >= grace.ends:
            self.drop(key)
            return None
        return grace if grace.is_current() else None

    def put(self, key: bytes, answer: Remembered) -> None:
        self.drop(key)
        self._answers[key] = answer
        for topic in answer.about:
            self._keys.setdefault(topic, set()).add(key)
        if len(self._answers) > self._most:
            self.drop(next(iter(self._answers)))

    def about(self, topic: str) -> list[tuple[bytes, Remembered]]:
        return [(key, self._answers[key]) for key in self._keys.get(topic, ())]

    def end_grace(self, key: bytes) -> None:
        self._answers[key] = replace(self._answers[key], grace=None)

    def drop_about(self, topics: Iterable[str]) -> None:
        for topic in topics:
            for key in tuple(self._keys.get(topic, ())):
                self.drop(key)

    def clear(self) -> None:
        self._answers.clear()
        self._keys.clear()

    def drop(self, key: bytes) -> None:
        answer = self._answers.pop(key, None)
        for topic in answer.about if answer else ():
            keys = self._keys[topic]
            keys.discard(key)
            if not keys:
                del self._keys[topic]


def _is_same(one: Verified, other: Verified) -> bool:
    """Whether both are one person, under whatever name."""
    ids = [(each.principal.source, each.principal.id) for each in (one, other)]
    return ids[0] == ids[1]


def _is_unchanged(one: Verified, other: Verified) -> bool:
    """Whether the source holds what it held; an empty evidence says nothing."""
    return bool(one.evidence) and one.evidence == other.evidence


def _from(digest: bytes, address: str) -> bytes:
    return digest + address.encode()
