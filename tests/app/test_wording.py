"""What the strip says."""

from __future__ import annotations

from dataclasses import replace
from math import nan

import numpy as np

from app import wording
from app.wording import STATE_WORDS, UNKNOWN, delivery_tip, reason_text, reason_tip, strip_text, without_options
from engine.runtime.runtime import ASKED_FOR, FASTEST
from engine.types import Percentiles, StreamState
from tests.app import fake


def test_every_cell_of_a_running_source() -> None:
    text = strip_text(fake.figures(), fake.pose_at(0.0))
    assert (text.state, text.tone) == ("Streaming", "good")
    assert text.rates == "59.9 → 31.4"
    assert text.age == "48 / 61 ms"
    assert text.skipped == "2\u2009010 (48 %)"
    assert text.runtime == "small · PyTorch eager, CPU"
    assert text.action == "Walk 70%"
    assert text.share == np.float32(0.7)


def test_what_is_not_known_yet_is_a_dash() -> None:
    empty = replace(
        fake.figures(), age_ms=Percentiles(nan, nan, nan), source_fps=nan, pose_fps=nan, produced=0, overwritten=0,
        runtime="", network="",
    )  # fmt: skip
    text = strip_text(empty, None)
    assert {text.age, text.skipped, text.runtime, text.action} == {UNKNOWN}
    assert text.rates == UNKNOWN
    assert strip_text(replace(empty, produced=1), None).rates == f"{UNKNOWN} → {UNKNOWN}"


def test_unsure_action_is_asked_and_not_told() -> None:
    pose = replace(fake.pose_at(0.0), action_scores=np.array([0.26, 0.24, 0.25, 0.25], np.float32))
    assert strip_text(fake.figures(), pose).action == "Stand? 26%"
    spaced = replace(pose, action_scores=np.array([0.0, 0.0, 1.0, 0.0], np.float32))
    assert strip_text(fake.figures(), spaced).action == "Reach up 100%"


def test_scores_that_do_not_fit_the_names_are_not_guessed() -> None:
    for scores in (np.array([1.0], np.float32), np.array([nan] * 4, np.float32)):
        assert strip_text(fake.figures(), replace(fake.pose_at(0.0), action_scores=scores)).action == UNKNOWN


def test_every_state_has_a_word() -> None:
    for state in StreamState:
        assert strip_text(fake.figures(state), None).state in STATE_WORDS


def test_a_spared_temporal_stream_is_told_with_why_and_only_then() -> None:
    spared = replace(fake.figures(), motion_every=3)
    assert strip_text(spared, None).runtime == "small · motion every 3rd frame · PyTorch eager, CPU"
    assert "cannot hold 60 frames a second" in delivery_tip(spared)
    assert "motion" not in strip_text(fake.figures(), None).runtime + delivery_tip(fake.figures())


def test_the_strip_says_why_it_is_this_runtime_and_what_is_made_meanwhile() -> None:
    runs = replace(fake.figures(), runtime="OpenVINO int8, CPU", reason="no NVIDIA GPU")
    assert strip_text(runs, None).runtime == "small · OpenVINO int8, CPU: no NVIDIA GPU"
    assert reason_tip(runs) == "Why: no NVIDIA GPU"
    for plain in ("asked for", "the fastest there is"):
        assert strip_text(replace(runs, reason=plain), None).runtime == "small · OpenVINO int8, CPU"
    building = replace(fake.figures(), reason="nothing is compiled yet", building="building OpenVINO int8, 40 %")
    assert strip_text(building, None).runtime == "small · PyTorch eager, CPU · building OpenVINO int8, 40 %"
    assert reason_tip(building) == "Why: nothing is compiled yet\nMeanwhile: building OpenVINO int8, 40 %"


def test_a_network_without_actions_says_so() -> None:
    assert strip_text(fake.figures(), None).acts
    assert not strip_text(replace(fake.figures(), actions=()), None).acts


def test_a_recording_that_rests_has_neither_rate_nor_age() -> None:
    playing, resting = (strip_text(fake.figures(state), None) for state in (StreamState.STREAMING, StreamState.PAUSED))
    assert UNKNOWN not in {playing.rates, playing.age}
    assert {resting.rates, resting.age} == {UNKNOWN}
    assert resting.skipped == playing.skipped


def test_the_usual_reasons_are_known_to_the_translation_and_others_stay_as_they_are() -> None:
    for reason in (ASKED_FOR, FASTEST):
        assert wording._REASONS[reason] == reason, "the English in the table is the engine's"
        assert reason_text(reason) == reason
    assert reason_text("no NVIDIA GPU") == "no NVIDIA GPU"


def test_the_window_speaks_of_no_options() -> None:
    told = "--runtime tensorrt cannot run here: no GPU; --runtime openvino and eager run on the processor"
    assert without_options(told) == "TensorRT cannot run here: no GPU; OpenVINO and eager run on the processor"
    assert without_options("--runtime other is not known") == "other is not known"
