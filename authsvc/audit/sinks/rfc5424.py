"""Records as syslog messages (RFC 5424), framed by octet counting (RFC 6587, section 3.4.1). Pure.

The message is the record as it is exported: ASCII JSON, whole.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

AUDIT: Final = 13  # the facility "log audit" of RFC 5424, table 1
ERROR, WARNING, INFORMATIONAL = 3, 4, 6  # severities
_SEVERITIES: Final = {"refused": WARNING, "error": ERROR}
_NIL = "-"
LONGEST_HOST = 255


def framed(record: Mapping[str, Any], host: str) -> bytes:
    """One message with its length before it; `host` is the machine that sends."""
    text = message(record, host)
    return b"%d %b" % (len(text), text)


def message(record: Mapping[str, Any], host: str) -> bytes:
    """One message: its time is the record's, its MSGID the event."""
    severity = _SEVERITIES.get(record["outcome"], INFORMATIONAL)
    head = f"<{AUDIT * 8 + severity}>1 {record['time']} {_host(host)} authsvc - {record['event']} -"
    return f"{head} {json.dumps(record, separators=(',', ':'))}".encode("ascii")


def _host(text: str) -> str:
    """A HOSTNAME: printable ASCII without blanks, or none."""
    good = text.isascii() and text.isprintable() and " " not in text
    return text if good and 0 < len(text) <= LONGEST_HOST else _NIL
