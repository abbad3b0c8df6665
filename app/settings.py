"""What the user chose: network, camera, and the estimator that follows from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from calib.calibration import Calibration
from engine.assets import bundled_weights
from engine.capture.source import Source
from engine.live.estimator import Estimator
from engine.motion.profile import Profile
from engine.motion.settings import DEFAULT_SMOOTHING, RAW, MotionSettings
from engine.runtime.choice import AUTO, open_runtime

DEFAULT_CAMERA, DEFAULT_NETWORK = "sceneego", "small"


@dataclass(frozen=True, slots=True)
class Settings:
    """Choices that hold for every source the program opens."""

    network: str = DEFAULT_NETWORK
    """A bundled network's name or the path of a weights file."""
    camera: Calibration | None = None
    """The camera that took the pictures; None for what the source itself carries, else what `egopose calibrate` has
    kept for it, else the default."""
    recorded: bool = False
    """Whether a session shows the poses that were recorded with it instead of running the network anew."""
    smoothing: float | None = None
    """Strength of the filter; None for the default of what it is for."""
    profile: Profile | None = None
    """The wearer's body, where it is known."""
    runtime: str = AUTO
    """What runs the network: one of `engine.runtime.choice.choices`."""
    lenses: Mapping[str, Calibration] = field(default_factory=dict)
    """What was chosen in the window for single cameras, by the source's stable id; one that is `assumed` stands for no
    calibration at all."""
    upgrades: bool = False
    """Whether a faster runtime may be made while a live source runs, and then takes over."""

    @property
    def shown_motion(self) -> MotionSettings:
        """What the window begins with: the filter's default, but recorded poses as they are."""
        default = RAW.smoothing if self.recorded else DEFAULT_SMOOTHING
        return MotionSettings(default if self.smoothing is None else self.smoothing, self.profile)

    @property
    def reported_motion(self) -> MotionSettings:
        """What reports are made with: the network's own joints unless something else was chosen."""
        return MotionSettings(self.smoothing or RAW.smoothing, self.profile)

    def camera_of(self, source: Source) -> Calibration:
        """The calibration to use for an opened source. Raises EgoposeError where the one kept for it cannot be used."""
        from dataclasses import replace  # noqa: PLC0415

        from calib.formats import load_camera  # noqa: PLC0415

        return self.known_camera(source) or replace(load_camera(DEFAULT_CAMERA), assumed=True)

    def known_camera(self, source: Source) -> Calibration | None:
        """The same, None where only the default is left: a recording must not claim that."""
        from engine.cameras import remembered_camera  # noqa: PLC0415

        chosen = self.lenses.get(source.info.source_id)
        if chosen is not None:
            return None if chosen.assumed else chosen
        return self.camera or source.info.calibration or remembered_camera(source.info.source_id)

    def weights(self) -> Path:
        """The weights file. Raises EgoposeError where there is none."""
        return bundled_weights(self.network)

    def estimator_maker(self, spec: str = "") -> Callable[[Source], Estimator]:
        """What a pipeline needs to begin; `spec` as the command line has it."""
        path = Path(spec).expanduser()
        if self.recorded and path.suffix.lower() == ".mcap":
            from engine.session.recorded import RecordedPoses  # noqa: PLC0415

            return lambda source: RecordedPoses(path, self.camera_of(source))
        weights = self.weights()

        def make(source: Source) -> Estimator:
            from engine.live.estimator import PoseEstimator  # noqa: PLC0415

            # What can be positioned keeps what it began with: its poses must not depend on when they are asked for.
            upgrade = self.upgrades and not source.info.seekable
            return PoseEstimator(open_runtime(weights, self.runtime, upgrade=upgrade), self.camera_of(source))

        return make
