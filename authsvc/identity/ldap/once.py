"""What has been said before, so that a log says it once."""

_REMEMBERED = 1_000  # texts


class Once:
    """Remembers texts, the newest thousand about: an old one may be said again."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def first(self, text: str) -> bool:
        """Whether this was not asked before."""
        if text in self._said:
            return False
        if len(self._said) >= _REMEMBERED:
            self._said = set()
        self._said.add(text)
        return True
