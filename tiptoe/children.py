"""How a process starts another one that must not outlive it.

Rule: a child never survives its parent, even one that was killed without a chance to clean up.
"""

import ctypes
import os
import signal
from collections.abc import Callable
from contextlib import suppress

PR_SET_PDEATHSIG = 1
"""The request of prctl(2) that asks the kernel for a signal when the parent dies."""


def die_with_parent() -> Callable[[], None]:
    """Return a `preexec_fn`: the kernel kills the new process as soon as this one is gone.

    The kernel watches the *thread* that starts the child, so start children from one that lives as
    long as they should. Linux only; elsewhere the function does nothing.
    """
    try:
        prctl = ctypes.CDLL(None, use_errno=True).prctl
    except (OSError, AttributeError):
        return lambda: None
    parent = os.getpid()

    def in_the_child() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # the parent died before the kernel was asked
            os._exit(1)

    return in_the_child


def signal_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process group led by `pid`; one that is gone is fine."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
