"""The sinks that the settings name, and forwarding to them."""

import os
import socket
from collections import Counter

from authsvc.audit.forwarding import Forwarding
from authsvc.audit.sinks.file import FileSink
from authsvc.audit.sinks.sink import Sink
from authsvc.audit.sinks.syslog import SyslogSink
from authsvc.settings import Settings
from authsvc.settings.schema import FileSink as FileSettings

from .offline import Offline


def forwarding_of(base: Offline) -> Forwarding:
    """Forwarding by this process, as long as no other does."""
    holder = f"{socket.gethostname()[:64]}-{os.getpid()}-{os.urandom(4).hex()}"
    return Forwarding(base.database, base.clock, sinks_of(base.settings), holder=holder)


def sinks_of(settings: Settings) -> list[Sink]:
    """A sink for each of the settings: `syslog`, `file`, and with a number from the second on."""
    counts: Counter[str] = Counter()
    found: list[Sink] = []
    for each in settings.audit.sinks:
        counts[each.type] += 1
        name = each.type if counts[each.type] == 1 else f"{each.type}-{counts[each.type]}"
        if isinstance(each, FileSettings):
            found.append(FileSink(name, each.path))
        else:
            found.append(SyslogSink(name, each.url))
    return found
