"""What was chosen last comes back where it can be had, else it is said; the command line goes before it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app import cli
from app.live.recalled import recall
from app.main_window import MainWindow
from app.opener import FeedOpener
from app.preferences import Preferences, change_preferences, load_preferences, preferences_path
from app.run import run_window
from tests.app.qt import wait_for


@pytest.fixture
def weights(tiny_weights: Path, tmp_path: Path) -> Path:
    """A network of the user's own."""
    return Path(shutil.copy(tiny_weights, tmp_path / "mine.safetensors"))


def test_what_was_chosen_last_holds_unless_the_command_line_says_otherwise(weights: Path) -> None:
    kept = Preferences(network=str(weights), runtime="eager")
    found = recall(kept, None, None)
    assert (found.network, found.runtime, found.lost) == (str(weights), "eager", "")
    found = recall(kept, "small", "torchscript")
    assert (found.network, found.runtime, found.lost) == ("small", "torchscript", "")
    found = recall(Preferences(), None, None)
    assert (found.network, found.runtime, found.lost) == ("small", "auto", "")


def test_a_network_that_is_gone_or_cut_off_is_told_and_the_bundled_one_stands_in(weights: Path) -> None:
    kept = Preferences(network=str(weights))
    weights.write_bytes(weights.read_bytes()[:-10])
    for _ in range(2):
        found = recall(kept, None, None)
        assert found.network == "small"
        assert found.lost.startswith(f"{weights}, the network that was chosen last, is gone or damaged: small ")
        weights.unlink(missing_ok=True)
    assert recall(Preferences(network="of a later version"), None, None).network == "small"


def test_a_runtime_that_cannot_be_had_is_told_with_the_reason(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = recall(Preferences(network=str(weights), runtime="openvino"), None, None)
    assert (found.network, found.runtime) == (str(weights), "auto")
    assert "OpenVINO, which was chosen last, cannot be had (it is not compiled for this network" in found.lost
    assert recall(Preferences(runtime="openvino"), None, None).runtime == "openvino", (
        "of the bundled one it comes along"
    )
    monkeypatch.setattr("engine.runtime.openvino.OpenVino.missing", lambda self: "OpenVINO is not installed; get it")
    found = recall(Preferences(runtime="openvino"), None, None)
    assert found.runtime == "auto"
    assert "(OpenVINO is not installed):" in found.lost
    assert recall(Preferences(runtime="warp"), None, None).lost.startswith("warp, which was chosen last, cannot be had")


def test_both_are_kept_with_the_other_preferences() -> None:
    change_preferences(mirrored=True)
    change_preferences(network="/n.safetensors", runtime="eager")
    assert load_preferences() == Preferences(mirrored=True, network="/n.safetensors", runtime="eager")
    preferences_path().write_text('{"version": 1, "network": 7, "runtime": ["eager"], "mirrored": true}')
    assert load_preferences() == Preferences(mirrored=True)


def test_the_next_start_has_them_and_says_what_is_lost(
    app: object, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_preferences(network=str(weights), runtime="eager")
    seen: list[tuple[str, str, str]] = []

    def run(opener: FeedOpener, _spec: object, **more: object) -> int:
        def begin(window: MainWindow) -> None:
            more["begin"](window)  # type: ignore[operator]
            window.run()
            wait_for(lambda: window.banner.isVisible() or not window.living.live.notice)
            said = window.banner.notice.text if window.banner.notice is not None else ""
            seen.append((opener.settings.network, opener.settings.runtime, said))

        return run_window(opener, None, seconds=0.01, begin=begin)

    monkeypatch.setattr("app.run.run_window", run)
    assert cli.main([]) == 0
    assert cli.main(["--network", "small", "--runtime", "auto"]) == 0
    weights.unlink()
    assert cli.main([]) == 0
    assert seen[:2] == [(str(weights), "eager", ""), ("small", "auto", "")]
    assert seen[2][:2] == ("small", "eager")
    assert seen[2][2].endswith("is gone or damaged: small stands in. Live in the sidebar changes that.")


def test_a_network_on_the_command_line_that_is_not_there_ends_it(capsys: pytest.CaptureFixture[str]) -> None:
    change_preferences(runtime="openvino")
    assert cli.main(["--network", "/nowhere/x.safetensors"]) == 2
    assert "no weights at /nowhere/x.safetensors" in capsys.readouterr().err
