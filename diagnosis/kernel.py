"""A notebook kernel that starts warm: a fork of a process that has the libraries loaded.

Imports are more than half the cost of a short notebook. A fork server loads them once in each worker; every further
kernel is a copy of it. Jupyter finds :class:`WarmProvisioner` through the entry point in ``pyproject.toml``; where
there is no fork (Windows), kernels start as usual.
"""

from __future__ import annotations

import copy
import logging
import multiprocessing
import os
import signal
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any, cast

from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner

PROVISIONER = "diagnosis-warm"
PRELOADED = ["diagnosis.preload"]
START_METHOD = "forkserver"


def can_fork() -> bool:
    """Whether this system has a fork server."""
    return START_METHOD in multiprocessing.get_all_start_methods()


def warm_up() -> None:
    """Start the fork server of this process now: it loads the libraries while other work goes on."""
    if can_fork():
        from multiprocessing import forkserver

        multiprocessing.get_context(START_METHOD).set_forkserver_preload(PRELOADED)
        # Ctrl-C is for the process that runs it, not for its fork server, which inherits what is set here.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            forkserver.ensure_running()
        finally:
            signal.signal(signal.SIGINT, before)


class ForkedKernel:
    """A process of the fork server behind the few methods of ``subprocess.Popen`` that a provisioner calls."""

    stdin = stdout = stderr = None

    def __init__(self, connection_file: str, environment: dict[str, str], folder: str | None) -> None:
        context: Any = multiprocessing.get_context(START_METHOD)
        context.set_forkserver_preload(PRELOADED)
        # Not daemonic: a daemon may not have children, and a cell of a notebook may want some.
        self._process = context.Process(target=serve, args=(connection_file, environment, folder))
        self._process.start()
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the end."""
        self._process.join(timeout)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None and self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


def follow_parent() -> None:
    """End this process with the one that started it, however that one ends.

    Not left to the fork server: it lives as long as any of its forks does, and they would wait for it.
    """
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    Thread(target=follow, daemon=True).start()


def serve(connection_file: str, environment: dict[str, str], folder: str | None) -> None:
    """Be a kernel: what the forked process does."""
    from ipykernel.kernelapp import IPKernelApp

    follow_parent()
    os.environ.update(environment)
    if folder:
        os.chdir(folder)
    # A parent's id makes the kernel end with the fork server, and not tell the terminal how to connect to it; what
    # goes wrong in a cell comes back as a message, the log would only repeat it.
    application = IPKernelApp.instance(parent_handle=os.getppid(), log_level=logging.CRITICAL)
    application.initialize(["-f", connection_file])
    application.start()


class WarmProvisioner(LocalProvisioner):
    """Starts kernels as forks; everything else is Jupyter's own."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start the kernel; `cmd` is not run, only its connection file is taken."""
        connection_file = cmd[cmd.index("-f") + 1]
        folder = kwargs.get("cwd")
        kernel = ForkedKernel(connection_file, dict(kwargs.get("env") or {}), str(folder) if folder else None)
        self.process = cast(Any, kernel)
        self.pid = kernel.pid
        self.pgid = None  # the group is the worker's own: a signal to it would hit the worker too
        self.cwd = folder or Path.cwd()
        return self.connection_info


class WarmKernelManager(AsyncKernelManager):
    """A kernel manager whose kernels start warm."""

    @property
    def kernel_spec(self):
        """The kernel's description, with the provisioner named in it."""
        spec = super().kernel_spec
        if spec is None:
            return None
        spec = copy.copy(spec)
        spec.metadata = {**spec.metadata, "kernel_provisioner": {"provisioner_name": PROVISIONER}}
        return spec
