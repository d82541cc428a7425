"""How long and how often to try, and how gently: time-outs, back-off, pauses between two requests to a host."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from diagnosis.schema import Text
from diagnosis.sources.messages import BilingualError, message

BACKOFF_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
LONGEST_ASKED_SECONDS = 120.0
"""Longest wait a server may ask for (Retry-After): beyond it the host is left alone for the rest of the call."""
JITTER = 0.5
"""Largest part added to a back-off by chance, so that many offices do not all come back at once."""
WATCH_SECONDS = 60.0
SLOWEST_BYTES_PER_SECOND = 512
"""Slower over a whole :data:`WATCH_SECONDS`, a download is cut: at this pace the largest file would take a day."""


class UnavailableError(BilingualError):
    """The publisher cannot be reached, does not answer in time or does not have the file."""


class InterruptedTransferError(Exception):
    """A fault that may pass: worth another attempt."""

    def __init__(self, reason: Text, wait: float | None = None) -> None:
        super().__init__(reason.en)
        self.reason, self.wait = reason, wait


@dataclass
class Patience:
    """How long and how often to try, shared by all downloads of one call."""

    timeout: tuple[float, float]
    retries: int
    max_bytes: int
    ends: float | None  # moment of `clock` after which nothing new is begun
    clock: Callable[[], float]
    sleep: Callable[[float], object] | None = None  # without it the wait ends when the caller gives up
    jitter: Callable[[], float] = float  # a number from 0 to 1; none by default
    stop: threading.Event = field(default_factory=threading.Event)

    def left(self) -> float:
        """Seconds that remain; infinite without a deadline."""
        return float("inf") if self.ends is None else self.ends - self.clock()

    def check(self) -> None:
        """Raise `UnavailableError` once time is over or the caller gave up."""
        if self.stop.is_set():
            raise UnavailableError(message("interrupted"))
        if self.left() <= 0:
            raise UnavailableError(message("time_over"))

    def limits(self) -> tuple[float, float]:
        """Connect and read time-outs, cut to the time that remains."""
        left = max(self.left(), 0.05)
        return min(self.timeout[0], left), min(self.timeout[1], left)

    def wait(self, seconds: float) -> None:
        """Wait, unless time would be over before."""
        if seconds >= self.left():
            raise UnavailableError(message("time_over_waiting"))
        (self.sleep or self.stop.wait)(seconds)
        self.check()

    def pause(self, attempt: int, asked: float | None) -> None:
        """Wait before the next attempt: twice as long each time, or as long as the server asks for."""
        own = min(BACKOFF_SECONDS * 2**attempt * (1 + JITTER * self.jitter()), LONGEST_WAIT_SECONDS)
        self.wait(own if asked is None else asked)


class Pace:
    """The turns of one host: one request at a time, a pause after each, none once it has asked to be left alone.

    Parameters
    ----------
    patience : Patience
    seconds : float
        Pause between the end of a request and the next one.
    """

    def __init__(self, patience: Patience, seconds: float) -> None:
        self._patience, self._seconds = patience, seconds
        self._free_at: float | None = None
        self._closed: Text | None = None

    def take_turn(self) -> None:
        """Wait for the next turn.

        Raises
        ------
        UnavailableError
            The host has asked for a wait that is too long, or time is over.
        """
        if self._closed is not None:
            raise UnavailableError(self._closed)
        if self._free_at is not None and (rest := self._free_at - self._patience.clock()) > 0:
            self._patience.wait(rest)

    def end_turn(self) -> None:
        """Note the end of a request: the pause begins."""
        self._free_at = self._patience.clock() + self._seconds

    def heed(self, asked: float | None) -> None:
        """Close the host for the rest of the call if it asks for a wait that is too long."""
        if asked is not None and asked > LONGEST_ASKED_SECONDS:
            self._closed = message("asked_to_wait", seconds=round(asked))
            raise UnavailableError(self._closed)


class SpeedWatch:
    """Cut a download that trickles: each byte in time, but the file never."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._start, self._bytes = clock, clock(), 0

    def add(self, size: int) -> None:
        """Count what has come; `InterruptedTransferError` if it was too little for too long."""
        self._bytes += size
        if (elapsed := self._clock() - self._start) >= WATCH_SECONDS:
            if self._bytes < SLOWEST_BYTES_PER_SECOND * elapsed:
                raise InterruptedTransferError(message("too_slow"))
            self._start, self._bytes = self._clock(), 0
