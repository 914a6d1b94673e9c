"""The switches by which something is let through that would be refused, and which are in effect.

docs/operations.md has the same table. A setting that merely allows it is not in effect: a grace
counts while no server of its directory answers.
"""

from collections.abc import Callable, Mapping

from authsvc import logs, metrics
from authsvc.identity.ldap.provider import Ldap

from .online import Online

_log = logs.get("service")

Switches = Mapping[str, Callable[[], bool]]
"""Each switch by the setting that it belongs to, and whether it is in effect now."""


class FailOpen:
    """Tells of each switch by a metric, and in the log when it comes into effect and goes."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._known = dict.fromkeys(switches, False)

    def tell(self) -> None:
        """Look at all of them. Never blocks; to be called about once a second."""
        for name, is_in_effect in self._switches.items():
            now = is_in_effect()
            metrics.FAIL_OPEN.labels(name).set(now)
            if now and not self._known[name]:
                _log.warning("a switch that fails open is in effect", switch=name)
            elif self._known[name] and not now:
                _log.warning("a switch that fails open is in effect no longer", switch=name)
            self._known[name] = now


def fail_open(parts: Online) -> FailOpen:
    """Of one worker: those that its settings know, whether they may come into effect or not."""
    settings, log, limiter = parts.offline.settings, parts.log, parts.limiter
    lax = settings.audit.durability == "async"
    allowing = settings.audit.on_failure == "allow"
    switches: dict[str, Callable[[], bool]] = {
        "audit.durability": lambda: lax,
        "audit.on_failure": lambda: allowing and log.degraded,
        "redis.url": lambda: limiter.state() != "ok",
    }
    for each in parts.people.directories:
        switches |= _of_directory(each, checked=each.name not in parts.people.unchecked)
    return FailOpen(switches)


def _of_directory(directory: Ldap, *, checked: bool) -> Switches:
    def in_grace() -> bool:
        return directory.grace > 0 and directory.state() != "ok"

    return {
        f"sources.{directory.name}.outage_grace": in_grace,
        f"sources.{directory.name}.tls_verify": lambda: not checked,
    }
