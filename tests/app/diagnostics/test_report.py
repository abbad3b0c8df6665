"""What the diagnostics say: of figures to rows, text and numbers; the history; the machine."""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import replace
from math import nan
from types import SimpleNamespace

import psutil
import pytest

from app.diagnostics.machine import Gpu, Machine, MachineWatch, _Nvml, look
from app.diagnostics.presenter import HISTORY_S, Diagnostics
from app.diagnostics.report import Report, Way, record, report
from engine.types import Percentiles
from tests.app import fake

FIGURES = replace(
    fake.figures(),
    stages_ms={"network": Percentiles(30.04, 34.5, nan), "something new": Percentiles(1, 2, 3)},
    clock_skew_ppm=-12.25,
    motion_every=3,
    gaps=1200,
)
MACHINE = Machine(1.5, 0.25, 8, 300 << 20, 4 << 30, 16 << 30, Gpu("RTX 4060", 0.5, 1 << 30, 8 << 30))


def rows(made: Report, group: str) -> dict[str, str]:
    return {row.label: row.value for row in made.groups[group]}


def test_every_figure_is_said_in_words() -> None:
    made = report(FIGURES, MACHINE, {"Looking": Percentiles(0.1, 0.2, 0.3)}, [Way("To a file", 50, 5, "lost")])
    assert rows(made, "stages") == {"Network": "30.0 / 34.5 / –", "something new": "1.0 / 2.0 / 3.0"}  # noqa: RUF001
    assert rows(made, "age") == {"p50 / p95 / p99": "48.2 / 61.0 / 70.0"}
    filtered = report(replace(FIGURES, filter_lag_ms=Percentiles(33.34, 40, 50)), MACHINE)
    assert rows(filtered, "age")["and the filter's lag"] == "33.3 / 40.0 / 50.0"
    source = rows(made, "source")
    assert source["Clock skew"] == "-12.2 ppm"
    assert source["Motion stream"] == "on one frame of 3"
    assert source["Gaps, clock faults"] == "1\u2009200, 0"
    assert rows(made, "ways") == {
        "Frames to the network": "4\u2009210, 2\u2009010 skipped (48 %)",
        "To a file": "50, 5 lost (10 %)",
    }
    assert rows(made, "machine") == {
        "This program": "1.50 cores, 300 MiB",
        "All programs": "25 % of 8 cores",
        "Memory free": "4\u2009096 of 16\u2009384 MiB",
        "GPU": "RTX 4060, 50 %, 1\u2009024 of 8\u2009192 MiB",
    }


def test_what_is_not_known_is_left_out_and_the_text_is_aligned() -> None:
    made = report(replace(FIGURES, clock_skew_ppm=None, stages_ms={}), Machine())
    assert set(made.groups) == {"source", "age", "ways"}
    lines = made.text().splitlines()
    assert lines[0] == "Source"
    column = lines[1].index("Streaming")
    assert lines[2][column:] == "59.9"


def test_numbers_are_json_and_none_is_made_up() -> None:
    made = record(FIGURES, Machine())
    assert made["stages_ms"]["network"]["p95"] == 34.5
    assert made["clock_skew_ppm"] == -12.25
    assert made["machine"]["gpu"] is None
    assert json.loads(json.dumps(made))["produced"] == 4210


def test_history_is_sampled_once_a_second_and_forgotten() -> None:
    diagnostics = Diagnostics()
    assert diagnostics.sample(FIGURES, 0.0)
    assert not diagnostics.sample(FIGURES, 0.9)
    assert not diagnostics.sample(replace(FIGURES, silent_s=2.0), 5.0)  # of a picture that is not live
    assert not diagnostics.sample(replace(FIGURES, age_ms=Percentiles(nan, nan, nan)), 5.0)
    for second in range(1, 300):
        assert diagnostics.sample(FIGURES, float(second))
    assert (diagnostics.history[0].at_s, diagnostics.history[-1].at_s) == (299 - HISTORY_S, 299)
    assert diagnostics.history[-1].stages == {"network": 30.04, "something new": 1.0}
    diagnostics.clear()
    assert not diagnostics.history


def test_machine_is_looked_at_until_it_is_told_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.diagnostics.machine.EVERY_S", 0.01)
    looked = threading.Event()
    monkeypatch.setattr("app.diagnostics.machine.look", lambda *_: looked.set() or MACHINE)
    watch = MachineWatch()
    assert watch.newest == Machine()
    watch.start()
    watch.start()
    assert looked.wait(10)
    watch.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "egopose machine watch"]
    assert watch.newest == MACHINE


def test_system_that_refuses_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.diagnostics.machine.EVERY_S", 0.01)
    asked = [threading.Event(), threading.Event()]

    def refuse(*_: object) -> Machine:
        asked[asked[0].is_set()].set()
        raise psutil.AccessDenied

    monkeypatch.setattr("app.diagnostics.machine.look", refuse)
    watch = MachineWatch()
    watch.start()
    assert asked[1].wait(10)  # a second time
    watch.stop()
    assert watch.newest == Machine()


def test_this_machine_is_told_as_the_system_has_it() -> None:
    seen = look(psutil.Process(), _Nvml())
    assert seen.memory_total_bytes == psutil.virtual_memory().total
    assert 10 << 20 < seen.memory_bytes < seen.memory_total_bytes
    assert seen.core_count == psutil.cpu_count()


def nvml(fault: str = "") -> SimpleNamespace:
    def answer(name: str, value: object) -> object:
        if name == fault:
            raise RuntimeError("the driver is gone")
        return value

    return SimpleNamespace(
        nvmlInit=lambda: answer("init", None),
        nvmlDeviceGetHandleByIndex=lambda _i: "handle",
        nvmlDeviceGetName=lambda _h: b"H100",
        nvmlDeviceGetUtilizationRates=lambda _h: answer("load", SimpleNamespace(gpu=37)),
        nvmlDeviceGetMemoryInfo=lambda _h: SimpleNamespace(used=1, total=80),
    )


@pytest.mark.parametrize(("fault", "expected"), [("", Gpu("H100", 0.37, 1, 80)), ("init", None), ("load", None)])
def test_gpu_is_asked_through_its_own_library(
    fault: str, expected: Gpu | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml(fault))
    assert _Nvml().look() == expected


def test_no_gpu_library_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert _Nvml().look() is None
