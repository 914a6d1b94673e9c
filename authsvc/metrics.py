"""All metrics of the service (contract section 7) and their text form for a scrape.

Labels hold only values that exist: whoever counts passes a known registry or `unknown`.
With several workers each writes to files of its own under PROMETHEUS_MULTIPROC_DIR (the parent
makes that folder, see server/workers.py) and one scrape is the sum of all.

What is counted for every request goes to a plain dictionary first (0.1 µs instead of 0.7 µs with
files) and is carried over by `flush`: every second, at each scrape and at the end of a drain.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
    values,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second time series for each, which nobody asked for

TOKEN_REQUESTS = Counter(
    "authsvc_token_requests_total",
    "Token requests by registry, result and reason.",
    ("registry", "result", "reason"),
)
LOGIN_SECONDS = Histogram(
    "authsvc_login_seconds",
    "Time that a source took to verify a password, in seconds.",
    ("source", "result"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
REMEMBERED = Counter(
    "authsvc_remembered_total",
    "Credentials looked up among the remembered ones, by result.",
    ("result",),
)
POLICY_VERSION = Gauge(
    "authsvc_policy_version",
    "Number of the newest change that every worker has seen.",
    multiprocess_mode="min",
)
POLICY_AGE = Gauge(
    "authsvc_policy_age_seconds",
    "Seconds since the last successful look for changes, of the worker that is furthest behind.",
    multiprocess_mode="max",
)
AUDIT_PENDING = Gauge(
    "authsvc_audit_pending",
    "Token records that wait to be written.",
    multiprocess_mode="sum",
)
AUDIT_COMMIT_SECONDS = Histogram(
    "authsvc_audit_commit_seconds",
    "Time that one batch of token records took to become durable, in seconds.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
AUDIT_CHECKPOINT_AGE = Gauge(
    "authsvc_audit_checkpoint_age_seconds",
    "Seconds since the newest checkpoint over the audit log, or since none was due.",
    multiprocess_mode="min",
)
AUDIT_BYTES = Gauge(
    "authsvc_audit_bytes",
    "What the audit records that checkpoints cover take, in bytes.",
    multiprocess_mode="max",
)
AUDIT_USED = Gauge(
    "authsvc_audit_used_ratio",
    "The part that is used of audit.max_bytes, and of the disk of an embedded database.",
    ("of",),
    multiprocess_mode="max",
)
AUDIT_FORWARDED = Counter(
    "authsvc_audit_forwarded_total",
    "Records that a sink was given, those that it was given again among them.",
    ("sink",),
)
AUDIT_FORWARD_LAG = Gauge(
    "authsvc_audit_forward_lag_seconds",
    "Age of the oldest record that a sink has not taken, 0 while there is none.",
    ("sink",),
    multiprocess_mode="max",
)
CERTIFICATE_EXPIRES = Gauge(
    "authsvc_signing_certificate_expires_seconds",
    "Seconds until the signing certificate in use, or its CA, ends.",
    multiprocess_mode="min",
)
SOURCE_UP = Gauge(
    "authsvc_source_up",
    "1 while the source of identities answers, else 0.",
    ("source",),
    multiprocess_mode="min",
)
LIMITED = Counter(
    "authsvc_limited_total",
    "Requests refused by a limit.",
    ("limit",),
)
FAIL_OPEN = Gauge(
    "authsvc_fail_open",
    "1 while a switch lets through what would be refused, by the setting that it belongs to.",
    ("switch",),
    multiprocess_mode="max",
)
REDIS_UP = Gauge(
    "authsvc_redis_up",
    "1 while Redis answers, 0 while workers count limits for themselves.",
    multiprocess_mode="min",
)
ROBOTS_EXPIRING = Gauge(
    "authsvc_robots_expiring",
    "Robots in use that end within 14 days, and within 3.",
    ("within",),
    multiprocess_mode="max",
)
UNTRUSTED_FORWARDED = Counter(
    "authsvc_untrusted_forwarded_total",
    "Requests with an X-Forwarded-For from a peer that is not in server.trusted_proxies.",
)

_tokens: dict[tuple[str, str, str], int] = {}
_remembered: dict[str, int] = {}


def count_token(registry: str, result: str, reason: str) -> None:
    """Count one token request. Call it on the event loop only; the cost is one dictionary."""
    key = (registry, result, reason)
    _tokens[key] = _tokens.get(key, 0) + 1


def count_remembered(result: str) -> None:
    """Count one look-up among the remembered credentials. On the event loop only."""
    _remembered[result] = _remembered.get(result, 0) + 1


def flush() -> None:
    """Carry over what was counted since the last time. On the event loop only."""
    while _tokens:
        labels, count = _tokens.popitem()
        TOKEN_REQUESTS.labels(*labels).inc(count)
    while _remembered:
        result, count = _remembered.popitem()
        REMEMBERED.labels(result).inc(count)


def render() -> bytes:
    """All metrics in the Prometheus text format; with several workers, those of all of them."""
    flush()
    if values.ValueClass is values.MutexValue:
        return generate_latest(REGISTRY)
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]
    registry.register(_Processes(folder))
    return generate_latest(registry)


def share(folder: Path, worker: int) -> None:
    """Note that this process is worker number `worker`, so that a scrape finds its process_*.

    Raises OSError when the folder cannot be written.
    """
    (folder / f"{worker}.pid").write_text(str(os.getpid()))


class _Processes(Collector):
    """process_* of all workers: the sum, but the earliest start and the lowest fd limit."""

    LOWEST = ("process_start_time_seconds", "process_max_fds")

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        found: dict[str, list[Metric]] = {}
        for path in self._folder.glob("*.pid"):
            reader = ProcessCollector(pid=path.read_text, registry=None)
            for metric in reader.collect():
                found.setdefault(metric.name, []).append(metric)
        return [self._joined(metrics) for metrics in found.values()]

    def _joined(self, metrics: list[Metric]) -> Metric:
        numbers = [metric.samples[0].value for metric in metrics]
        joined = Metric(metrics[0].name, metrics[0].documentation, metrics[0].type)
        total = min(numbers) if joined.name in self.LOWEST else sum(numbers)
        joined.samples = [metrics[0].samples[0]._replace(value=total)]
        return joined
