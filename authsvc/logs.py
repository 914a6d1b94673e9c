"""Structured logs to standard error: one line for each event, at most 4 KiB, without secrets.

Every value of every event, of this service's and of the libraries', passes one cleaning: what
has the name or the shape of a secret is replaced, control characters are escaped (nobody writes
log lines of their own through a header), long texts are cut. Exceptions of libraries may quote
what a client sent, so of an exception only its type and its frames are written.
"""

import json
import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Any, Literal, cast

import structlog
from structlog.typing import FilteringBoundLogger

LINE = 4096  # bytes, the newline included: also what a pipe takes in one piece
TEXT = 1024  # characters of one value
FRAMES = 12  # innermost frames of an exception

GONE = "[redacted]"

_SECRET_NAME = re.compile(
    r"passw|pwd|secret|token|authorization|cookie|credential|bearer|private|api_?key|assertion",
    re.IGNORECASE,
)
_SECRET_SHAPES = (
    (re.compile(r"asv_[a-z]{3}_[0-9A-Za-z]+"), GONE),
    (re.compile(r"eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"), GONE),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*", re.DOTALL), GONE),
    (re.compile(r"\$(?:2[abxy]|argon2\w*|[156]|apr1)\$[^\s'\"]+"), GONE),
    (re.compile(r"\b(basic|bearer)\s+[\w+/=.~-]{4,}", re.IGNORECASE), rf"\1 {GONE}"),
    (re.compile(r"(://[^\s:/@]*):[^\s/@]+@"), rf"\1:{GONE}@"),
    (re.compile(r"(/[^\s?'\"]*)\?[^\s'\"]+"), r"\1?[query]"),
    (
        re.compile(
            r"([\w-]*(?:passw|pwd|secret|token|authorization)[\w-]*\s*[=:]\s*)[^\s&,;'\"]+",
            re.IGNORECASE,
        ),
        rf"\1{GONE}",
    ),
)

Event = MutableMapping[str, Any]
Format = Literal["json", "console"]


def configure(style: Format, level: str = "info") -> None:
    """Send the logs of this process, the libraries' included, to standard error.

    `level` is debug, info, warning or error; libraries speak from warning on.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    _set_up(style, number)
    logging.captureWarnings(capture=True)
    logging.basicConfig(handlers=[_Forward()], level=max(number, logging.WARNING), force=True)


def style_for_terminal() -> Format:
    """`console` when a person looks at standard error, else `json`."""
    return "console" if sys.stderr is not None and sys.stderr.isatty() else "json"


def get(name: str) -> FilteringBoundLogger:
    """A logger; `name` is the part of the service that speaks."""
    if not structlog.is_configured():
        _set_up("json", logging.WARNING)
    return cast("FilteringBoundLogger", structlog.get_logger(part=name))


def _set_up(style: Format, level: int) -> None:
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _exception,
            clean,
            _console if style == "console" else _json,
        ],
        logger_factory=_StandardError,
        cache_logger_on_first_use=False,
    )


class _StandardError:
    """Writes a finished line; a full disk or a closed pipe loses the line, never a request."""

    def __init__(self, *_args: object) -> None:
        """Structlog hands over what `get_logger` was given."""

    def msg(self, line: str) -> None:
        try:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
        except (OSError, ValueError, AttributeError):
            return

    debug = info = warning = error = critical = exception = log = msg


class _Forward(logging.Handler):
    """Takes over the records of libraries that use the standard library's logging."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            event = record.getMessage()
        except (TypeError, ValueError):
            event = str(record.msg)
        more: dict[str, Any] = {"exc_info": record.exc_info} if record.exc_info else {}
        get(record.name).log(min(record.levelno, logging.CRITICAL) // 10 * 10, event, **more)


def _exception(_logger: object, _method: str, event: Event) -> Event:
    """Replace `exc_info` by the exception's type and innermost frames; its text may be hostile."""
    given = event.pop("exc_info", None)
    if not given:
        return event
    error = given if isinstance(given, BaseException) else _current(given)
    if error is not None:
        event["exception"] = type(error).__qualname__
        event["frames"] = _frames(error.__traceback__)
    return event


def _current(given: object) -> BaseException | None:
    found = given[1] if isinstance(given, tuple) else sys.exc_info()[1]
    return found if isinstance(found, BaseException) else None


def _frames(trace: TracebackType | None) -> str:
    frames = traceback.extract_tb(trace)[-FRAMES:]
    parts = ("/".join(frame.filename.split("/")[-3:]) for frame in frames)
    return " > ".join(
        f"{name}:{frame.lineno}:{frame.name}" for name, frame in zip(parts, frames, strict=True)
    )


def clean(_logger: object, _method: str, event: Event) -> Event:
    """Redact secrets by name and by shape, escape control characters, cut long values."""
    return {_text(str(key)): _value(str(key), value) for key, value in event.items()}


def _value(name: str, value: object) -> object:
    if _SECRET_NAME.search(name) and value is not None and not isinstance(value, bool):
        return GONE
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {_text(str(key)): _value(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_value("", item) for item in value]
    return _text(value.decode("latin-1") if isinstance(value, bytes) else str(value))


def _text(text: str) -> str:
    text = text[: 2 * TEXT]
    for shape, instead in _SECRET_SHAPES:
        text = shape.sub(instead, text)
    if not text.isprintable():
        text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return text if len(text) <= TEXT else text[: TEXT - 1] + "…"


def _json(_logger: object, _method: str, event: Event) -> str:
    line = json.dumps(event, ensure_ascii=True, separators=(",", ":"), default=str)
    if len(line) < LINE:
        return line
    kept = {key: event[key] for key in ("timestamp", "level", "part", "request_id") if key in event}
    text = str(event.get("event", ""))[: TEXT // 4]
    return json.dumps({**kept, "event": text, "cut_from": len(line)}, separators=(",", ":"))


_render = structlog.dev.ConsoleRenderer(
    colors=False, sort_keys=False, pad_event_to=0, pad_level=False
)


def _console(logger: object, method: str, event: Event) -> str:
    line = str(_render(logger, method, dict(event)))
    encoded = line.encode("utf-8", "backslashreplace")
    if len(encoded) < LINE:
        return line
    return encoded[: LINE - 8].decode("utf-8", "ignore") + " …"
