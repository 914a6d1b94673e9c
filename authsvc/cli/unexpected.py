"""What an exception of Python's own says about the line that was typed, and about a full disk.

A word that is no text is left to whoever would encode it: as the name of a file it may be right.
"""

import errno
from collections.abc import Sequence

from authsvc.errors import AuthsvcError, Invalid, Unavailable

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def told(error: Exception, args: Sequence[str]) -> Exception:
    """`error` itself, or the error of our own that it means, with `error` as its cause."""
    meant = _meant(error, args)
    if meant is None:
        return error
    meant.__cause__ = error
    return meant


def _meant(error: Exception, args: Sequence[str]) -> AuthsvcError | None:
    if isinstance(error, UnicodeEncodeError):
        word = next((each for each in args if not _is_text(each)), None)
        return (
            None if word is None else Invalid(f"'{word}' is not UTF-8", advice="write it as text")
        )
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return _unwritten(error)
    return None


def _is_text(word: str) -> bool:
    """Bytes that are not UTF-8 come from the command line as lone surrogates."""
    return not any("\ud800" <= each <= "\udfff" for each in word)


def _unwritten(error: OSError) -> AuthsvcError:
    """A change is committed before it is printed, so its secret may be lost and it be made."""
    return Unavailable(
        f"what was to be written is not whole ({error.strerror})",
        what="output",
        advice="make room; a change may have been made all the same, which `authsvc audit list` "
        "shows, and a secret that was to be shown is to be replaced",
    )
