"""`egopose bench` as a user runs it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.cli import main
from engine.runtime.bench import capped
from engine.runtime.bench.page import markdown
from engine.runtime.bench.report import Missing, Report
from engine.runtime.nvidia import NO_GPU
from engine.runtime.openvino import OpenVino


@pytest.fixture(scope="module", autouse=True)
def small_peaks() -> Iterator[None]:
    """Convolutions that are quick: these tests are not after the peak."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.runtime.bench.peak.SHAPES", ((16, 16),))
        yield


@pytest.fixture(scope="module")
def quick(tiny_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a quick run on a tiny network wrote."""
    folder = tmp_path_factory.mktemp("bench")
    out = folder / "bench.json"
    words = ["bench", "--quick", "--network", str(tiny_weights), "--runtime", "eager"]
    assert main([*words, "--json", str(out), "--page", str(folder / "page.md")]) == 0
    return out


def test_a_quick_run_tells_runtimes_stages_ratios_and_peaks(quick: Path) -> None:
    told = json.loads(quick.read_text())
    assert told["format"] == "egopose-bench-2"
    assert told["quick"] is True
    assert 0.0 <= told["others"] <= 1.0
    assert told["machine"]["processor"]
    (network,) = told["networks"]
    assert (network["network"], network["side"], network["window"]) == ("tiny", 64, 8)
    window, eager = network["entries"]
    assert (window["name"], eager["name"], window["threads"]) == ("window", "eager", 1)
    assert window["speedup_over_window"] is None
    # The window looks at eight pictures each time.
    assert eager["speedup_over_window"] > 1
    assert 0 < eager["peak_share"] < 1.5
    assert [peak["library"] for peak in told["peaks"]] == ["PyTorch"]
    assert network["window_gmac"] > 4 * network["gmac"]
    (stages,) = network["stages"]
    assert {"canonical view", "spatial stream", "temporal and pose", "ring push"} <= {
        s["name"] for s in stages["stages"]
    }
    assert told["ring_push_us"]["tiny"] > 0


def test_the_ratio_is_that_of_one_runs_rounds(quick: Path) -> None:
    window, eager = json.loads(quick.read_text())["networks"][0]["entries"]
    of_medians = window["cost"]["cpu_ms"] / eager["cost"]["cpu_ms"]
    # Not the same number, since each round has its own ratio, but from the same rounds.
    assert eager["speedup_over_window"] == pytest.approx(of_medians, rel=1.0)


def test_the_page_is_made_of_the_json_and_names_the_machine(
    quick: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "BENCHMARKS.md"
    assert main(["bench", "--from", str(quick), "--page", str(page)]) == 0
    assert page.read_text() == quick.with_name("page.md").read_text()
    report = Report.from_json(quick.read_text())
    assert report.machine.processor in page.read_text()
    assert "| eager |" in page.read_text()
    said = capsys.readouterr().out
    # Every heading, and every stage, is explained in both.
    explained = ("CPU ms: ", "less CPU: ", "of the peak: ", "threads: ", "window: ", "ring push: ", "overlay: ")
    assert all(word in page.read_text() and word in said for word in explained)
    assert "of the cores meanwhile" in said
    assert "tiny: tiny.safetensors, 64 px, T = 8" in said
    assert f"written: {page}" in said


def test_json_gives_back_what_was_written_and_refuses_anything_else(quick: Path) -> None:
    report = Report.from_json(quick.read_text())
    assert Report.from_json(report.to_json()) == report
    unsure = replace(report, machine=replace(report.machine, load=math.nan))
    assert math.isnan(Report.from_json(unsure.to_json()).machine.load)
    values = json.loads(report.to_json())
    for wrong in ("[]", "{}", json.dumps(values | {"rounds": "7"}), json.dumps(values | {"more": 1}), "[" * 100_000):
        with pytest.raises(ValueError, match=r"."):
            Report.from_json(wrong)


def test_openvino_is_measured_beside_the_window_and_as_a_laptop_has_it(tiny_weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    assert (
        main(["bench", "--quick", "--network", str(tiny_weights), "--runtime", "openvino-int8", "--json", str(out)])
        == 0
    )
    network = Report.from_json(out.read_text()).networks[0]
    names = [entry.name for entry in network.entries]
    assert names + [missing.name for missing in network.missing] == ["window", "openvino-int8"]
    assert all(entry.speedup_over_window for entry in network.entries[1:])
    assert all(entry.peak_share for entry in network.entries[1:])
    assert all(each.held and each.cost.cpu_ms > 0 for each in network.capped)


def test_what_is_missing_is_told_in_a_line(
    tiny_weights: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        OpenVino, "missing", lambda self: "OpenVINO is not installed; it comes with: pip install openvino"
    )
    monkeypatch.setattr("engine.runtime.choice.missing_cuda", lambda: NO_GPU)
    monkeypatch.setattr("engine.runtime.tensorrt.missing_cuda", lambda: NO_GPU)
    wanted = ("openvino-int8", "cuda-graphs", "tensorrt")
    words = [word for name in wanted for word in ("--runtime", name)]
    assert main(["bench", "--quick", "--network", str(tiny_weights), *words]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "not here: openvino-int8: OpenVINO is not installed" in said
    for name in ("cuda-graphs", "tensorrt-fp32", "tensorrt-fp16"):
        assert f"not here: {name}: no NVIDIA GPU" in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--network", "huge"], "no network is named huge"),
        (["--json", "{folder}/none/x.json"], "cannot write"),
        (["--page", "{folder}"], "cannot write"),
        (["--from", "{folder}/none.json"], "cannot read"),
        (["--from", "{weights}"], "is no benchmark"),
        (["--runtime", "abacus"], "no runtime is named abacus"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line(
    words: list[str], says: str, tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", *(word.format(folder=tmp_path, weights=tiny_weights) for word in words)]) == 2
    said = capsys.readouterr().err.strip()
    assert says in said
    assert len(said.splitlines()) == 1


def test_a_capped_process_that_fails_is_told_and_a_cap_that_does_not_hold_is_noticed(
    tmp_path: Path, quick: Path
) -> None:
    from engine.errors import EgoposeError  # noqa: PLC0415

    with pytest.raises(EgoposeError, match="could not be measured under AVX2_VNNI"):
        capped.run_capped("openvino-int8", tmp_path, "int8", 1.0, rounds=1, frames=1)
    report = Report.from_json(quick.read_text())
    network = report.networks[0]
    kernels = ("brgconv_avx512_f32",)
    loose = capped.Capped("AVX2", False, kernels, "openvino-fp32", network.entries[0].cost, None)
    shown = markdown(replace(report, networks=(replace(network, capped=(loose,), missing=(Missing("x", "none"),)),)))
    assert "the cap did not hold: brgconv_avx512_f32" in shown
