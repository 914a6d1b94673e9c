"""What is asked and what is given, in parsed form (distribution docs: spec/auth/scope)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Access:
    """One resource and actions on it. `class_` is '' when the scope named none.

    Asked: `actions` in the order of first mention, each once. Given: sorted.
    """

    type: str
    name: str
    actions: tuple[str, ...]
    class_: str = ""

    @property
    def scope(self) -> str:
        """This entry in scope grammar, `type[(class)]:name:action,action`."""
        kind = f"{self.type}({self.class_})" if self.class_ else self.type
        return f"{kind}:{self.name}:{','.join(self.actions)}"


@dataclass(frozen=True, slots=True)
class Asked:
    """All scopes of one request: parsed and merged entries, and the texts that did not parse."""

    entries: tuple[Access, ...] = ()
    junk: tuple[str, ...] = ()
