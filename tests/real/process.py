"""Child processes of the tests: started, waited for, stopped by their own ids, never by name."""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / ".cache" / "real"

RUNNING: list["Proc"] = []
"""What runs now, so that the report of a failed test can show the ends of their logs."""


def program(name: str) -> str:
    """Path of a program built by build.sh or installed by install.sh; a missing one is an error."""
    found = find(name)
    if found is None:
        raise FileNotFoundError(f"{name} is missing: `make real` installs and builds it")
    return found


def find(name: str) -> str | None:
    """Path of a program, None when this machine has none; /usr/sbin is not on everybody's PATH."""
    return shutil.which(name, path=os.pathsep.join([str(BUILT), os.environ["PATH"], "/usr/sbin"]))


def free_port() -> int:
    """A port that was free on loopback a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(condition: Callable[[], bool], what: str, *, patience: float = 30) -> None:
    """Returns when `condition` holds; looks every 20 ms, gives up after `patience` seconds."""
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {patience:.0f} s for {what}")
        time.sleep(0.02)


class Proc:
    """One child in a session of its own, which dies with the tests however they die."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        log: Path,
        ready: Callable[[], bool],
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
    ) -> None:
        self.name = Path(argv[0]).name
        self.log = log
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=env,
                user=user,
                group=user,
                extra_groups=[] if user else None,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one call of libc, no lock
            )
        RUNNING.append(self)
        try:
            wait_for(lambda: self._alive() and ready(), f"{self.name} to be ready")
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        return self._popen.pid

    def tail(self, lines: int = 60) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self, how: signal.Signals = signal.SIGTERM, *, patience: float = 15) -> int:
        """Asks it to end, and kills its whole group when it does not or leaves children behind."""
        if self._popen.poll() is None:
            self._popen.send_signal(how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(patience)
        return self.kill()

    def kill(self) -> int:
        """SIGKILL to the whole group; the exit status."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        if self in RUNNING:
            RUNNING.remove(self)
        return self._popen.wait()

    def kill_alone(self) -> None:
        """SIGKILL to the process and not to its children, which have to notice by themselves."""
        self._popen.kill()
        self._popen.wait()
        RUNNING.remove(self)

    def _alive(self) -> bool:
        if self._popen.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self._popen.returncode}:\n{self.tail()}")
        return True


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
