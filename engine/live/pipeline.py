"""The pipeline from a source to snapshots: one thread reads, one looks ahead, one infers.

Live, the newest frame wins and older ones are overwritten, and the temporal stream is spared on
some frames where the machine is too slow; replayed for evaluation, every frame is handed over
whole and the source waits. Nothing is ever terminated: threads are asked to
end, and one that does not is named in the log.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from calib.remap import CanonicalView
from engine.capture.source import Source
from engine.errors import EgoposeError
from engine.live.ahead import Ahead, Incoming
from engine.live.estimator import Estimator, SupersededError
from engine.live.mailbox import Mailbox
from engine.live.meter import Durations, Rate
from engine.live.rate import TemporalRate
from engine.live.supervisor import Supervised
from engine.live.tap import Taps
from engine.motion.stage import MotionStage
from engine.types import Event, Figures, Frame, Pose, Snapshot, StreamState

log = logging.getLogger(__name__)

STALL_NS = 1_000_000_000
STOP_S = 1.5
"""The whole program has two seconds to end."""
RECENT, EVERYTHING = 256, 1_000_000
"""How many durations the figures look back on: live what is now, replayed the whole."""
RUNNING = (StreamState.OPENING, StreamState.STREAMING)


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """A frame, its pose, and the canonical view that the network saw it in."""

    frame: Frame
    pose: Pose
    view: CanonicalView | None


class Pipeline:
    """A source, an estimator, and what can be shown of them at any moment.

    `start`, `snapshot` and `stop` may be called from any thread.
    """

    def __init__(
        self,
        source: Source,
        make_estimator: Callable[[Source], Estimator],
        *,
        lossless: bool = False,
        outbox: Mailbox[Estimate] | None = None,
        motion: MotionStage | None = None,
    ) -> None:
        """`make_estimator` gets the opened source; it runs on the inference thread, since it is slow.

        Each estimate is put into `outbox`, which is closed after the last one. Without `motion`, poses stay as the
        network finds them.
        """
        self._source, self._make_estimator, self._outbox = source, make_estimator, outbox
        self._supervised = source if isinstance(source, Supervised) else None
        if self._supervised is not None:
            self._supervised.listener = self._happened
        self._lossless = lossless
        self._mailbox: Mailbox[Incoming] = Mailbox(lossless)
        self._ahead = Ahead(lossless)
        self._temporal = TemporalRate()
        self._motion_stage = motion
        self._state, self._message = StreamState.CLOSED, ""
        self._failure: BaseException | None = None
        self._stopping = threading.Event()
        self._opened = threading.Event()
        self._ready = threading.Event()
        self._shown: Estimate | None = None
        self._estimator: Estimator | None = None
        self._keep = EVERYTHING if lossless else RECENT
        self._age, self._stages = Durations(self._keep), dict[str, Durations]()
        self._lag = Durations(self._keep)
        self._source_rate, self._pose_rate = Rate(), Rate()
        self._produced = self._processed = 0
        self._last_arrival_ns = 0
        self._live = False
        self.taps = Taps()
        """Are handed every frame, pose and event."""
        self._threads = (
            threading.Thread(target=self._guarded, args=(self._read,), name="egopose source", daemon=True),
            threading.Thread(target=self._guarded, args=(self._ahead.run,), name="egopose looking ahead", daemon=True),
            threading.Thread(target=self._guarded, args=(self._infer,), name="egopose inference", daemon=True),
        )

    def start(self) -> None:
        """Open the source and begin. Returns at once; `snapshot` tells how it goes."""
        self._state = StreamState.OPENING
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Wait until the source has ended and every frame is worked off. Raises what went wrong."""
        for thread in self._threads:
            thread.join()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End the threads, within `STOP_S`; one that does not end is named in the log and left."""
        deadline = time.monotonic() + STOP_S
        self._stopping.set()
        self._wake()
        self._close_mailboxes()
        self._source.close()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                log.error("the thread %r did not end within %g s; it is left behind", thread.name, STOP_S)
        if self._state is not StreamState.FAILED:
            self._state = StreamState.CLOSED

    @property
    def view(self) -> CanonicalView | None:
        """The canonical view of the frame that is shown; None before the first pose."""
        shown = self._shown
        return shown.view if shown else None

    @property
    def shown(self) -> Estimate | None:
        """What `snapshot` shows, without the figures, which take a while to compute."""
        return self._shown

    def snapshot(self) -> Snapshot:
        """The newest pose with its frame, and the figures."""
        shown = self._shown
        if shown is None:
            return Snapshot(self._figures())
        return Snapshot(self._figures(), shown.frame, shown.pose)

    def _figures(self) -> Figures:
        estimator, supervised = self._estimator, self._supervised
        state, message, silent_s = self._standing()
        return Figures(
            state=state,
            message=message,
            source_fps=self._source_rate.per_second(),
            pose_fps=self._pose_rate.per_second(),
            age_ms=self._age.percentiles(),
            filter_lag_ms=self._lag.percentiles(),
            stages_ms={name: stage.percentiles() for name, stage in list(self._stages.items())},
            produced=self._produced,
            processed=self._processed,
            overwritten=self._mailbox.overwritten,
            runtime=estimator.runtime if estimator else "",
            network=estimator.network if estimator else "",
            actions=estimator.actions if estimator else (),
            reason=estimator.reason if estimator else "",
            building=estimator.building if estimator else "",
            notice=estimator.notice if estimator else "",
            silent_s=silent_s,
            delivered=self._source.delivered,
            gaps=supervised.gaps if supervised else 0,
            clock_faults=supervised.clock_faults if supervised else 0,
            motion_every=self._temporal.every if estimator and estimator.spares_motion else 1,
            clock_skew_ppm=supervised.clock_skew_ppm if supervised else None,
        )

    def _standing(self) -> tuple[StreamState, str, float]:
        """State, message, and seconds since the last new picture where that is too long."""
        state, message = self._state, self._message
        silent_s = (time.monotonic_ns() - self._last_arrival_ns) / 1e9 if self._last_arrival_ns else 0.0
        if state is StreamState.FAILED:
            return state, message, silent_s
        if state is StreamState.STREAMING and self._supervised is not None:
            condition = self._supervised.condition
            return condition.state, condition.message, self._supervised.silent_s
        if state is StreamState.STREAMING and silent_s > STALL_NS / 1e9:
            # A camera is supervised: this is of what the computer itself makes or reads.
            line = f"no new picture for {silent_s:.0f} s: this computer is busy; close what else runs"
            return StreamState.STALLED, line, silent_s
        return state, message, 0.0

    def _happened(self, event: Event) -> None:
        self.taps.event(event)

    def _guarded(self, work: Callable[[], None]) -> None:
        """Run a thread's work; whatever goes wrong ends all threads and is kept for `wait`."""
        try:
            work()
        except BaseException as error:
            if self._stopping.is_set():
                log.debug("while stopping", exc_info=error)
                return
            if not isinstance(error, EgoposeError):
                log.exception("the thread %r failed", threading.current_thread().name)
            self._failure = error
            self._message = str(error) or type(error).__name__
            self._state = StreamState.FAILED
            self._stopping.set()
            self._wake()
            self._close_mailboxes()
            self._source.close()

    def _close_mailboxes(self) -> None:
        self._mailbox.close(discard=True)
        self._ahead.close()
        if self._outbox is not None:
            self._outbox.close(discard=True)

    def _wake(self) -> None:
        """Let neither thread wait for the other."""
        self._opened.set()
        self._ready.set()

    def _read(self) -> None:
        with self._source as source:
            self._live = source.info.live
            self._opened.set()
            # A file must not run ahead of a network that is still loading.
            self._ready.wait()
            estimator = self._estimator
            while estimator is not None and not self._stopping.is_set():
                frame = source.read()
                if frame is None:
                    break
                now = time.monotonic_ns()
                self._last_arrival_ns = now
                self._produced += 1
                self._source_rate.tick(now)
                if self._state is StreamState.OPENING:
                    self._state = StreamState.STREAMING
                self.taps.frame(frame)
                incoming = Incoming(frame, estimator.see)
                if not self._mailbox.put(incoming):
                    return
                self._ahead.offer(incoming)
        self._mailbox.close()

    def _infer(self) -> None:
        self._opened.wait()
        if self._stopping.is_set():
            return
        estimator = self._estimator = self._make_estimator(self._source)
        self._ready.set()
        try:
            while (incoming := self._mailbox.take()) is not None:
                self._work(estimator, incoming)
        finally:
            self._ahead.close()
            estimator.close()
        if self._outbox is not None:
            self._outbox.close()
        if not self._stopping.is_set() and self._state in RUNNING:
            self._state = StreamState.ENDED

    def _work(self, estimator: Estimator, incoming: Incoming) -> None:
        frame, began = incoming.frame, time.monotonic_ns()
        # A recorded frame has no age of its own: what counts is how long its pose took.
        born_ns = frame.capture_ns if self._live else began
        spares = estimator.spares_motion and not self._lossless
        motion = self._temporal.next() if spares else True
        self._ahead.begun(incoming, began + self._temporal.expected_ns(motion))
        try:
            pose = estimator.estimate(frame, incoming.seen(), motion=motion)
        except SupersededError:
            self._ahead.ended()
            return
        if self._motion_stage is not None:
            pose = self._motion_stage.apply(frame, pose)
        now = time.monotonic_ns()
        self._shown = estimate = Estimate(frame, pose, estimator.view)
        self._processed += 1
        self._age.add(now - born_ns)
        self._lag.add(pose.lag_ns)
        self._pose_rate.tick(now)
        self.taps.pose(pose)
        for name, duration in pose.stage_ns.items():
            self._stages.setdefault(name, Durations(self._keep)).add(duration)
        done = time.monotonic_ns()
        self._temporal.took(done, done - began, self._period_ns(spares), motion=motion)
        if self._outbox is not None:
            self._outbox.put(estimate)
        self._ahead.ended()

    def _period_ns(self, spares: bool) -> float:
        """The source's, 0 where it is not known or nothing can be spared."""
        rate = self._source_rate.per_second()
        return 1e9 / rate if spares and rate > 0 else 0.0
