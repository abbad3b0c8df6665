"""`egopose doctor` with nothing wrong, and with faults made on purpose: it names them, and never fails itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.cameras import Known
from app.cli import main
from app.doctor import checks
from app.doctor.checks import holder_of, nvidia_driver, probe
from app.doctor.findings import Finding, Verdict, plain_text, sound, summary
from app.preferences import Preferences
from engine.capture.devices import Camera, Format
from engine.errors import EgoposeError

ROOT = Path(__file__).parents[3]
QT = {"qt": "6.11", "pyqt": "6.11", "platform": "xcb", "renderer": "llvmpipe (LLVM 15)", "fonts": 9,
      "screen": [1920, 1080], "scale": 1.5}  # fmt: skip


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No process of its own for Qt, no camera of this machine, a folder with room."""
    monkeypatch.setattr(checks, "probe", lambda: dict(QT))
    monkeypatch.setattr(checks, "known_cameras", list)
    monkeypatch.setattr(checks, "load_preferences", lambda: Preferences(str(tmp_path)))
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: SimpleNamespace(free=50e9))


def seen(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Finding]]:
    status = main(["doctor", "--json"])
    record = json.loads(capsys.readouterr().out)
    assert record["sound"] is (status == 0)
    findings = [Finding(**one | {"verdict": Verdict(one["verdict"])}) for one in record["findings"]]
    return status, {finding.name: finding for finding in findings}


def test_sound_machine(capsys: pytest.CaptureFixture[str]) -> None:
    status, found = seen(capsys)
    assert status == 0
    assert found["numpy"].text == version("numpy")
    assert found["Python"].text.startswith(f"{sys.version_info.major}.{sys.version_info.minor}.")
    assert (found["OpenGL"].verdict, found["camera"].verdict) == (Verdict.ABSENT, Verdict.ABSENT)
    assert "in software" in found["OpenGL"].text
    assert found["fonts"].text == "9 families"
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "Nothing that is needed is broken." in out
    assert "What runs the network" in out


def test_missing_package_is_named_with_the_way_to_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_scipy(name: str) -> str:
        if name == "scipy":
            raise PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(checks, "version", without_scipy)
    monkeypatch.setitem(sys.modules, "torch", None)
    status, found = seen(capsys)
    assert status == 1
    for name in ("scipy", "PyTorch"):
        assert found[name].verdict is Verdict.BROKEN
        assert "pip install -e ." in found[name].help
    assert main(["doctor"]) == 1
    assert "2 things are broken" in capsys.readouterr().out


def test_program_without_its_packages_says_so_in_a_line() -> None:
    code = (
        "import sys; sys.modules['numpy'] = None; sys.argv = ['egopose', 'doctor'];from app.entry import entry; entry()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "numpy" in done.stderr
    assert "pip install -e ." in done.stderr


def test_two_wheels_of_opencv_are_told_apart(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "version", lambda name: "4.11" if name == "opencv-python-headless" else version(name))
    status, found = seen(capsys)
    assert status == 1
    assert "pip uninstall -y opencv-python-headless " in found["OpenCV"].help


def camera(where: str, readable: bool = True) -> Known:
    formats = (Format("MJPG", (1280, 1024), (60.0, 30.0)), Format("YUYV", (640, 480), ()))
    return Known(Camera("camera:a", "Fisheye", where, "camera:a"), formats, "", readable)


@pytest.mark.parametrize(
    ("readable", "holder", "status", "word"),
    [(True, "", 0, "1280x1024, MJPG, up to 60 fps, not calibrated"), (False, "", 1, "may not be read"),
     (True, "zoom (12)", 1, "is in use by zoom (12)")],
)  # fmt: skip
def test_cameras_are_told_with_what_is_in_the_way(
    readable: bool,
    holder: str,
    status: int,
    word: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checks, "known_cameras", lambda: [camera("/dev/null", readable)])
    monkeypatch.setattr(checks, "holder_of", lambda _: holder)
    code, found = seen(capsys)
    assert code == status
    assert word in found["Fisheye"].text
    assert found["Fisheye"].help


def test_check_that_fails_is_a_finding_and_the_others_go_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> list[Known]:
        raise EgoposeError("the list of calibrations\nis damaged")

    monkeypatch.setattr(checks, "known_cameras", broken)
    status, found = seen(capsys)
    assert status == 1
    assert found["the cameras"].text == "could not be looked at: EgoposeError: the list of calibrations is damaged"
    assert "recordings" in found


def test_qt_that_cannot_start_is_told_without_ending_the_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "has_display", lambda: True)
    monkeypatch.setenv("QT_QPA_PLATFORM", "no-such-platform")
    with pytest.raises(EgoposeError, match="Qt cannot start here"):
        probe()


def test_qt_is_asked_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "has_display", lambda: False)
    told = probe()
    assert told["platform"] == "offscreen"
    assert told["renderer"] == ""
    assert set(told) == set(QT)


@pytest.mark.parametrize(
    ("display", "verdict"), [("", Verdict.ABSENT), (":77", Verdict.BROKEN)],
)  # fmt: skip
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="displays that can be missing")
def test_display_that_is_not_there_is_no_fault_but_one_that_does_not_answer_is(
    display: str, verdict: Verdict, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", display)
    status, found = seen(capsys)
    assert found["display"].verdict is verdict
    assert status == (verdict is Verdict.BROKEN)


def test_no_fonts_and_a_full_disk(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "probe", lambda: QT | {"fonts": 0, "renderer": "NVIDIA H100/PCIe/SSE2"})
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: SimpleNamespace(free=1e9))
    status, found = seen(capsys)
    assert status == 1
    assert "fonts-dejavu-core" in found["fonts"].help
    assert found["recordings"].verdict is Verdict.BROKEN
    assert found["OpenGL"].verdict is Verdict.GOOD


DRIVERS: list[tuple[str, str]] = [
    ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024", "535.183.01"),
    ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.15  Release Build", "550.54.15"),
    ("something else", "?"),
]


@pytest.mark.parametrize(("text", "expected"), DRIVERS)
def test_version_of_the_driver(text: str, expected: str, tmp_path: Path) -> None:
    file = tmp_path / "version"
    file.write_text(text)
    assert nvidia_driver(file) == expected


@pytest.mark.parametrize(
    ("driver", "cuda", "works", "verdict"),
    [(None, None, False, Verdict.ABSENT), ("550.1", None, False, Verdict.ABSENT),
     ("470.1", "13.0", False, Verdict.BROKEN), ("580.1", "13.0", True, Verdict.GOOD)],
)  # fmt: skip
def test_driver_and_pytorch_must_fit_each_other(
    driver: str | None, cuda: str | None, works: bool, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = SimpleNamespace(
        is_available=lambda: works, get_device_name=lambda: "H100", get_device_capability=lambda: (9, 0)
    )
    torch = SimpleNamespace(__version__="2.13", version=SimpleNamespace(cuda=cuda), cuda=gpu)
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setattr(checks, "nvidia_driver", lambda: driver)
    found = {finding.name: finding for finding in checks.torch_and_cuda()}
    assert found["GPU"].verdict is verdict
    assert bool(found["GPU"].help) is (driver is not None and not works)


def test_runtimes_are_told_with_the_way_to_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.runtime.openvino.find_spec", lambda _: None)
    status, found = seen(capsys)
    assert status == 0
    assert (found["OpenVINO"].verdict, found["TorchScript"].verdict) == (Verdict.ABSENT, Verdict.GOOD)
    assert "pip install" in found["OpenVINO"].help
    monkeypatch.setattr("engine.runtime.openvino.find_spec", lambda _: True)
    assert "fp32" in seen(capsys)[1]["OpenVINO"].text


def test_program_that_holds_a_device_is_named(tmp_path: Path) -> None:
    other = tmp_path / "4711"
    (other / "fd").mkdir(parents=True)
    (other / "comm").write_text("zoom\n")
    os.symlink("/dev/null", other / "fd" / "5")
    assert holder_of(Path("/dev/null"), tmp_path) == "zoom (4711)"
    assert holder_of(Path("/dev/zero"), tmp_path) == ""
    assert holder_of(Path("USB 3.1"), tmp_path) == ""


def test_text_to_paste_has_the_ways_out() -> None:
    findings = [
        Finding("program", "numpy", Verdict.GOOD, "2.0"),
        Finding("disk", "recordings", Verdict.BROKEN, "full", "tidy up"),
    ]
    assert not sound(findings)
    assert summary(findings) == "1 thing is broken: see ✗."
    assert plain_text(findings).splitlines() == [
        "1 thing is broken: see ✗.", "", "Program", "  ✓ numpy       2.0", "",
        "Disk", "  ✗ recordings  full", "                → tidy up",
    ]  # fmt: skip
