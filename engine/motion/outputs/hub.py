"""Hands the newest pose to every output that is switched on, each at its own rate, on one thread of its own.

The pipeline's thread only leaves a pose and wakes the hub. An output that fails is told once and tried again; none
waits for another, since none waits for a receiver.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from engine.live.meter import Rate
from engine.motion.outputs.choice import DEFAULTS, OutputChoice, OutputKind
from engine.motion.outputs.output import Output, OutputError, OutputState, Phase
from engine.types import Event, Frame, Pose

log = logging.getLogger(__name__)

RETRY_S = 2.0
"""Until an output that failed is opened again."""
STOP_S = 1.5
_SILENT_S = 1.0
"""Without a pose for so long, an output waits for motion."""

Maker = Callable[[OutputChoice], Output]


def make_output(choice: OutputChoice) -> Output:
    """The output that is chosen; libraries are imported here, when one is switched on."""
    match choice.kind:
        case OutputKind.OSC:
            from engine.motion.outputs.vrchat import VRChatOutput  # noqa: PLC0415

            return VRChatOutput(choice.address)
        case OutputKind.VMC:
            from engine.motion.outputs.vmc import VMCOutput  # noqa: PLC0415

            return VMCOutput(choice.address)
        case OutputKind.WEBSOCKET:
            from engine.motion.outputs.websocket import WebSocketOutput  # noqa: PLC0415

            return WebSocketOutput(choice)
        case OutputKind.LSL:
            from engine.motion.outputs.lsl import LSLOutput  # noqa: PLC0415

            return LSLOutput(choice)


class _Running:
    """One output that is switched on."""

    def __init__(self, choice: OutputChoice, newest: Pose | None) -> None:
        self.choice = choice
        self.output: Output | None = None
        self.arrived = asyncio.Event()
        self.rate = Rate(keep=30)
        self.sent = 0
        self.sent_at = float("-inf")
        self.last = newest
        self.failure = ""
        self.told: set[str] = set()
        self.task: asyncio.Task[None] | None = None

    def tell(self, line: str) -> None:
        """To the log, once for each cause."""
        if line and line not in self.told:
            self.told.add(line)
            log.warning("%s: %s", self.choice.kind, line)

    def state(self) -> OutputState:
        output = self.output
        if self.failure:
            return OutputState(self.choice, Phase.FAILED, sent=self.sent, trouble=self.failure)
        if output is None:
            return OutputState(self.choice, Phase.OPENING, sent=self.sent)
        fresh = time.monotonic() - self.sent_at < _SILENT_S
        return OutputState(
            self.choice,
            Phase.SENDING if fresh else Phase.WAITING,
            self.rate.per_second() if fresh else 0.0,
            self.sent,
            output.receivers,
            output.warning,
            output.listens,
        )


class Hub:
    """A tap (`engine.live.tap`) that sends what it is handed. Every method from any thread; none waits but `close`.

    Its thread begins with the first output that is switched on.
    """

    def __init__(self, choices: Iterable[OutputChoice] = (), make: Maker = make_output) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._choices = dict(DEFAULTS)
        self._running: dict[OutputKind, _Running] = {}
        self._newest: Pose | None = None
        self._woken = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        for choice in choices:
            self.choose(choice)

    def choose(self, choice: OutputChoice) -> None:
        """Switch an output on or off, or change it; it holds within moments, as `states` tells."""
        with self._lock:
            if self._closed:
                return
            before, self._choices[choice.kind] = self._choices[choice.kind], choice
            if choice == before or not (choice.on or before.on):
                return
            if self._thread is None:
                self._begin()
            loop = self._loop
            assert loop is not None  # made by _begin
            loop.call_soon_threadsafe(self._switch, choice)

    def _begin(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(self._loop,), name="egopose outputs", daemon=True)
        self._thread.start()

    @property
    def on(self) -> bool:
        """Whether any output is switched on: only then poses are of use."""
        return any(choice.on for choice in self._choices.values())

    def states(self) -> dict[OutputKind, OutputState]:
        """How each output is doing."""
        with self._lock:
            choices, running = dict(self._choices), dict(self._running)
        return {
            kind: running[kind].state()
            if choice.on and kind in running
            else OutputState(choice, Phase.OPENING if choice.on else Phase.OFF)
            for kind, choice in choices.items()
        }

    def close(self) -> None:
        """Switch everything off and end the thread, within `STOP_S`; one that stays is named in the log. Idempotent."""
        with self._lock:
            self._closed = True
            loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        with suppress(RuntimeError):  # the loop is closed already
            loop.call_soon_threadsafe(loop.stop)
        thread.join(STOP_S)
        if thread.is_alive():
            log.error("the thread %r did not end within %g s; it is left behind", thread.name, STOP_S)

    # What the pipeline calls: see engine.live.tap.

    def frame(self, frame: Frame) -> None:
        """Nothing is sent of it."""

    def event(self, event: Event) -> None:
        """Nothing is sent of it."""

    def pose(self, pose: Pose) -> None:
        """Leave a pose to be sent in place of one that was not; only one that has a body can be."""
        if pose.body is None:
            return
        with self._lock:
            self._newest = pose
            if self._loop is None or self._closed or self._woken:
                return
            self._woken = True
            self._loop.call_soon_threadsafe(self._wake)

    # On the hub's thread

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
            loop.run_until_complete(self._end())
        finally:
            asyncio.set_event_loop(None)
            loop.close()

    async def _end(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _wake(self) -> None:
        self._woken = False
        for running in self._running.values():
            running.arrived.set()

    def _switch(self, choice: OutputChoice) -> None:
        before = self._running.get(choice.kind)
        if before is not None and before.task is not None:
            before.task.cancel()
        made = _Running(choice, self._newest)
        if choice.on or before is not None:
            made.task = asyncio.get_running_loop().create_task(
                self._serve(made, before.task if before is not None else None)
            )
            with self._lock:
                self._running[choice.kind] = made

    async def _serve(self, running: _Running, before: asyncio.Task[None] | None) -> None:
        """An output from switching on to switching off. The one before it is waited for: it holds the port."""
        if before is not None:
            await _ended(before)
        if not running.choice.on:
            return
        while True:
            try:
                await self._send_all(running)
            except OutputError as error:
                running.failure = str(error)
            except Exception as error:
                log.exception("the output %s failed", running.choice.kind)
                running.failure = f"it failed inside the program ({error}); the log has the details"
            running.tell(running.failure)
            await asyncio.sleep(RETRY_S)

    async def _send_all(self, running: _Running) -> None:
        output = self._make(running.choice)
        period = 1.0 / running.choice.rate_hz
        due = float("-inf")
        try:
            await output.open()
            running.output, running.failure = output, ""
            while True:
                await running.arrived.wait()
                running.arrived.clear()
                if (wait := due - time.monotonic()) > 0:
                    await asyncio.sleep(wait)
                pose = self._newest
                if pose is None or pose is running.last:
                    continue
                now = time.monotonic()
                # A pose that comes a little early is not held back, nor does the rate on average rise by that.
                due = max(due, now - period) + period
                running.last = pose
                output.send(pose)
                running.sent, running.sent_at = running.sent + 1, now
                running.rate.tick(time.monotonic_ns())
                running.tell(output.warning)
        finally:
            running.output = None
            await output.close()


async def _ended(task: asyncio.Task[None]) -> None:
    """Wait for a task's end, and only then be cancelled oneself."""
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
