"""How records hang together: each holds the hash of the one before it in its chain."""

from hashlib import sha256

ZERO = bytes(32)  # `prev` of the first record of a chain


def link(prev: bytes, writer: str, seq: int, body: bytes) -> bytes:
    """The hash of a record: SHA-256 over `prev`, writer, number and body.

    Hashed is `prev` (32 bytes), the writer in UTF-8, a line feed, the number in decimal, a line
    feed, the body. A writer's name holds no line feed, so nothing can be read in two ways.
    """
    return sha256(b"%b%b\n%d\n%b" % (prev, writer.encode(), seq, body)).digest()
