"""The feed that the window shows: a source, paced as a camera would be, and the pipeline behind it."""

from __future__ import annotations

from collections.abc import Callable

from app.settings import Settings
from calib.calibration import Calibration
from calib.remap import CanonicalView
from engine.capture.opening import open_source
from engine.capture.paced import Paced
from engine.capture.source import Source, SourceInfo
from engine.live.estimator import Estimator
from engine.live.pipeline import Pipeline
from engine.live.supervisor import supervised
from engine.live.tap import Taps
from engine.motion.settings import MotionSettings
from engine.motion.stage import MotionStage
from engine.types import Snapshot


class LiveFeed:
    """A live pipeline with the names the window needs."""

    def __init__(self, spec: str, settings: Settings, *, loop: bool = False, speed: float = 1.0) -> None:
        """Raises EgoposeError where the source is not there at all."""
        source = open_source(spec)
        self._source = supervised(source) if source.info.live else self._paced(source, loop, speed)
        self._settings, self._motion = settings, self._stage(settings)
        self._pipeline = Pipeline(self._source, self._maker(spec), motion=self._motion)

    def _paced(self, source: Source, loop: bool, speed: float) -> Source:
        """What is not live, as if it were."""
        return Paced(source, speed=speed, loop=loop)

    def _stage(self, settings: Settings) -> MotionStage:
        """What happens to each pose behind the network."""
        return MotionStage(settings.shown_motion)

    def _maker(self, spec: str) -> Callable[[Source], Estimator]:
        return self._settings.estimator_maker(spec)

    def start(self) -> None:
        """Begin; how it goes is told by `snapshot`."""
        self._pipeline.start()

    def snapshot(self) -> Snapshot:
        """See `Pipeline.snapshot`."""
        return self._pipeline.snapshot()

    def stop(self) -> None:
        """End both threads, within two seconds."""
        self._pipeline.stop()

    @property
    def taps(self) -> Taps:
        """See `Pipeline.taps`."""
        return self._pipeline.taps

    def origin(self) -> tuple[SourceInfo, Calibration | None]:
        """The source, and its camera where that is not only assumed."""
        return self._source.info, self._settings.known_camera(self._source)

    @property
    def motion(self) -> MotionSettings:
        """See `MotionStage.settings`."""
        return self._motion.settings

    @motion.setter
    def motion(self, settings: MotionSettings) -> None:
        self._motion.settings = settings

    @property
    def recordable(self) -> bool:
        """Cameras and the synthetic wearer are; what can be positioned is a file."""
        return not self._source.info.seekable

    @property
    def view(self) -> CanonicalView | None:
        """See `Pipeline.view`."""
        return self._pipeline.view

    @property
    def title(self) -> str:
        """The source's name."""
        return self._source.info.name

    @property
    def source_id(self) -> str:
        """The source's stable id."""
        return self._source.info.source_id

    @property
    def assumed_camera(self) -> bool:
        """Whether the default camera stands in for one that is not calibrated."""
        view = self._pipeline.view
        return view.camera.assumed if view is not None else False
