"""The whole of it: a synthetic wearer who stands still, through the bundled network, against their own bones."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

from app.settings import Settings
from app.wearer.presenter import Wearer
from engine.capture.synthetic import SyntheticWearer
from engine.motion.profile import measured
from engine.types import Snapshot
from tests.app import fake


def test_a_wearer_is_measured_through_the_network() -> None:
    feed, wearer, truth = fake.FakeFeed(), Wearer(), []
    source = SyntheticWearer(seed=4, fps=10, motion="still", size=(240, 192))
    make = Settings().estimator_maker()
    wearer.measure()
    with source:
        estimator = make(source)
        for _ in range(34):
            frame = source.read()
            assert frame is not None
            assert frame.truth is not None
            truth.append(frame.truth.joints_m)
            wearer.look(feed, Snapshot(fake.figures(), frame, estimator.estimate(frame)))
            if not wearer.screen.measuring:
                break
        estimator.close()
    assert wearer.screen.tone == "good", wearer.screen.hint
    found, real = feed.motion.profile, measured(np.array(truth))
    assert found is not None
    assert found.height_m == pytest.approx(real.height_m, abs=0.2)
    away = np.abs(np.subtract(astuple(found.lengths), astuple(real.lengths)))
    assert away.mean() < 0.025, f"mm: {1000 * away}"
