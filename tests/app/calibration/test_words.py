"""What a calibration says to do next, in each of its states."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calibration.views import ENOUGH_TO_SOLVE, MOST_VIEWS
from app.calibration.words import Standing, next_step

CAMERA = Standing(
    name="Cam", live=True, ended=False, failed=False, opened=True, board=True, still=0.0, new=True, automatic=True,
    views=3, used=3, wish="Hold the board there.", without=0, unread=0, saving=None,
)  # fmt: skip
FILES = replace(CAMERA, name="shots", live=False, ended=True, views=9, used=9, wish=None)


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        (replace(CAMERA, opened=False), "Opening Cam …"),
        (replace(CAMERA, opened=False, failed=True), "No picture."),
        (CAMERA, "Hold the board there."),
        (replace(CAMERA, board=False, views=0), "Hold the board there. The whole board must be in the picture."),
        (replace(CAMERA, still=0.5), "Hold still …"),
        (replace(CAMERA, still=0.5, new=False), "Hold the board there."),
        (replace(CAMERA, still=1.0, automatic=False), "The board is still: take the view (T)."),
        (replace(CAMERA, wish=None), "Everything is covered: save the camera."),
        (replace(CAMERA, views=MOST_VIEWS), f"{MOST_VIEWS} views are taken: save the camera."),
        (replace(FILES, ended=False, used=1), "Looking for the board in shots: 1 view so far."),
        (FILES, "9 views in shots. Strike out what is bad, then save the camera."),
        (
            replace(FILES, without=2, unread=1),
            "9 views in shots (2 without the board, 1 that cannot be read). "
            "Strike out what is bad, then save the camera.",
        ),
    ],
)
def test_each_state_has_its_next_step(standing: Standing, said: str) -> None:
    assert next_step(standing) == said


@given(st.integers(0, ENOUGH_TO_SOLVE - 1))
def test_too_few_views_say_how_many_are_needed(used: int) -> None:
    said = next_step(replace(FILES, used=used))
    assert said.startswith(f"{used} usable view")
    assert f"{ENOUGH_TO_SOLVE} are needed" in said


@given(st.booleans(), st.booleans())
def test_saving_comes_before_everything_else(live: bool, board: bool) -> None:
    assert "then saving my.json …" in next_step(replace(CAMERA, live=live, board=board, saving="my.json"))
