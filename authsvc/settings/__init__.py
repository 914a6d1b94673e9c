"""Settings: one TOML file and the environment, parsed once into frozen values (contract section 2).

Every fault is reported at once, with its file or variable and its key. What a setting does is up
to the part that it is for; nothing outside this package reads the environment.
"""

from .catalogue import known_keys
from .loading import load
from .schema import (
    Audit,
    Cache,
    FileSink,
    Keys,
    Limits,
    Redis,
    Refresh,
    Server,
    Settings,
    SyslogSink,
    Token,
)
from .sources import HtpasswdSource, LdapSource

__all__ = [
    "Audit",
    "Cache",
    "FileSink",
    "HtpasswdSource",
    "Keys",
    "LdapSource",
    "Limits",
    "Redis",
    "Refresh",
    "Server",
    "Settings",
    "SyslogSink",
    "Token",
    "known_keys",
    "load",
]
