"""Progress of long work: how far it is, how long it will still take, and how it is called off."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from core.base.errors import Cancelled

_LEAST_PAUSE_S: Final = 0.05
"""At most 20 reports a second: more than an eye follows, and cheap for whoever draws them."""

_LEAST_EVIDENCE_S: Final = 0.5
"""Before this much has been seen, an estimate would be a guess."""

_REMEMBERED: Final = 200
"""Reports from which the speed is taken, 10 seconds and more: old speed, such as that of cached steps, is forgotten."""

_PAUSED_S: Final = 0.1
"""How often paused work looks whether it may go on."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one stage of the work is.

    Attributes:
        stage: what is being done, in words for a person.
        step: how many steps are done, 0 to `total`.
        total: how many steps there are.
        remaining_s: seconds this stage will probably still take; None while that cannot be told.
    """

    stage: str
    step: int
    total: int
    remaining_s: float | None


Report: TypeAlias = Callable[[Progress], None]
"""Takes progress as it comes, in the thread that works, and returns quickly."""


class CancelToken:
    """The user's wish to cancel work, or to pause it: set from any thread, looked at by the work.

    Attributes:
        was_paused: whether the work was ever paused, so that its time says nothing.
    """

    def __init__(self) -> None:
        self._wish = threading.Event()
        self._paused = False
        self.was_paused = False

    def cancel(self) -> None:
        """Call the work off, paused or not; a second time changes nothing."""
        self._wish.set()

    def pause(self) -> None:
        """Let the work wait, where it looks at the token next, until it is resumed or called off."""
        self._paused = self.was_paused = True

    def resume(self) -> None:
        """Let the work go on."""
        self._paused = False

    @property
    def paused(self) -> bool:
        """Whether the work is to wait."""
        return self._paused

    @property
    def cancelled(self) -> bool:
        """Whether the work was called off."""
        return self._wish.is_set()

    def check(self) -> None:
        """Return if the work shall go on, and once it shall.

        Raises:
            Cancelled: it was called off.
        """
        while self._paused and not self._wish.wait(_PAUSED_S):
            pass
        if self._wish.is_set():
            raise Cancelled


class StageClock:
    """Counts the steps of one stage, reports them at most 20 times a second, and estimates what remains.

    The first and the last step are always reported. It belongs to one thread.
    """

    def __init__(self, stage: str, total: int, report: Report, *, now: Callable[[], float] = time.monotonic) -> None:
        """Begin the stage, and report that.

        Args:
            stage: what is being done, in words for a person.
            total: how many steps there are, 0 or more.
            report: takes the progress.
            now: seconds on a clock that never goes back.
        """
        self._stage, self._total, self._report, self._now = stage, total, report, now
        self._seen: deque[tuple[float, int]] = deque(maxlen=_REMEMBERED)
        self._step = 0
        self._tell(now())

    def advance(self, steps: int = 1) -> None:
        """Count steps as done; never beyond the total."""
        before, self._step = self._step, min(self._total, self._step + steps)
        moment = self._now()
        ended = before < self._step == self._total
        if ended or moment - self._seen[-1][0] >= _LEAST_PAUSE_S:
            self._tell(moment)

    def _tell(self, moment: float) -> None:
        self._seen.append((moment, self._step))
        self._report(Progress(self._stage, self._step, self._total, self._remaining()))

    def _remaining(self) -> float | None:
        """Seconds left at the speed of the remembered reports."""
        if self._step == self._total:
            return 0.0
        (first, done_then), (last, done_now) = self._seen[0], self._seen[-1]
        if last - first < _LEAST_EVIDENCE_S or done_now == done_then:
            return None
        return (last - first) / (done_now - done_then) * (self._total - self._step)
