"""Calibrating while views are being taken."""

from __future__ import annotations

import numpy as np
import pytest

from calib.errors import CalibrationError
from calib.follow import Follower
from calib.models.kannala_brandt import KannalaBrandt
from calib.solve import fit as fit_module
from calib.solve.fit import fit
from tests.calib.test_solve import LENS, SIZE, views_of

VIEWS = views_of(LENS, 12, noise=0.15)


def test_every_view_more_gives_what_a_solve_from_the_start_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    follower = Follower()
    follower.solve(VIEWS[:6], SIZE)
    monkeypatch.setattr(fit_module, "start_lens", lambda *_: pytest.fail("begins from the start"))
    told = [follower.solve(VIEWS[:count], SIZE, "made") for count in (7, 9, 12)]
    without = follower.solve([*VIEWS[:3], *VIEWS[4:]], SIZE)
    monkeypatch.undo()
    anew = fit(VIEWS, SIZE)
    np.testing.assert_allclose(told[-1].calibration.model.params, anew.model.params, rtol=1e-4, atol=1e-5)
    assert told[-1].rms == pytest.approx(anew.solution.rms, rel=1e-4)
    assert told[-1].calibration.name == "made"
    assert [len(one.used_views) for one in told] == [7, 9, 12]
    assert "view 3" not in [view.name for view in without.views]
    assert np.isnan(told[-1].held_out)
    assert "nan" not in told[-1].calibration.provenance
    assert np.isfinite(told[-1].sigma_map).any()


def test_another_camera_is_solved_from_the_start() -> None:
    follower = Follower()
    follower.solve(VIEWS, SIZE)
    other = KannalaBrandt([250.0, 251.0, 640.0, 480.0, 0.02, -0.003, 0.0005, -0.00005])
    views = views_of(other, 8, widest=1.5)
    np.testing.assert_allclose(follower.solve(views, SIZE).calibration.model.params, other.params, rtol=1e-3, atol=1e-4)


def test_what_cannot_be_solved_leaves_the_last_fit() -> None:
    follower = Follower()
    with pytest.raises(CalibrationError, match="too few"):
        follower.solve(VIEWS[:2], SIZE)
    follower.solve(VIEWS[:6], SIZE)
    with pytest.raises(CalibrationError):
        follower.solve(VIEWS[:2], SIZE)
    assert follower.solve(VIEWS[:7], SIZE).rms < 0.3
