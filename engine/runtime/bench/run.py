"""The whole benchmark. Everything that is compared is measured in the same rounds, in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from statistics import median

import numpy as np
import torch

from calib.cv import cv2
from calib.formats import load_camera
from calib.remap import CanonicalView
from engine.assets import DEMO_SESSION
from engine.capture.opening import open_source
from engine.errors import EgoposeError
from engine.network.config import NetworkConfig
from engine.runtime.artefacts import Artefacts
from engine.runtime.bench import timing
from engine.runtime.bench.capped import HIGHER, run_capped
from engine.runtime.bench.contest import TENSORRT, TORCH, Chosen, Way, Ways, check_known, check_wanted, chosen, ways_of
from engine.runtime.bench.gpu import gpu_figures
from engine.runtime.bench.machine import Others, this_machine
from engine.runtime.bench.peak import Chain, openvino_chains, torch_chains
from engine.runtime.bench.report import (
    WINDOW,
    Capped,
    Entry,
    Missing,
    NetworkReport,
    Parallel,
    Peak,
    Report,
    Stages,
)  # fmt: skip
from engine.runtime.bench.stages import ring_push_us, stages_of
from engine.runtime.bench.timing import Sampled, Subject
from engine.runtime.bench.window import SlidingWindow
from engine.runtime.bench.work import streamed_gmac, window_gmac
from engine.runtime.streaming import StreamingRuntime
from engine.types import ImageArray

FRAME_SIZE = 1280, 1024
"""(width, height) of the camera's picture."""
CAMERA = "sceneego"
Tell = Callable[[str], None]
"""Told what is being done, for people."""


class Effort:
    """How long is measured."""

    def __init__(self, quick: bool) -> None:
        self.quick = quick
        self.rounds = 3 if quick else 7
        self.round_s = 0.2 if quick else 0.5
        """Of each subject, about."""
        self.stage_frames = 10 if quick else 40
        self.child_rounds = 3 if quick else 7


def bench(
    names: Sequence[str], *, quick: bool, wanted: Sequence[str] = (), tell: Tell = lambda doing: None,
    artefacts: Artefacts | None = None,
) -> Report:  # fmt: skip
    """Measure networks one after the other: bundled ones, files, or "base" and "small" with random weights.

    `wanted` names the runtimes, by how they begin; none of them for all. Raises EgoposeError where a network is not
    known or its file cannot be used.
    """
    check_wanted(wanted)
    for name in names:
        check_known(name)
    effort, machine, others = Effort(quick), this_machine(), Others()
    cv2.setNumThreads(1)
    tell("finding the library's best convolutions")
    chains = best_chains(wanted)
    sampled: list[dict[str, Sampled]] = []
    networks, pushes = [], {}
    for name in names:
        with chosen(name) as network, ways_of(network, wanted, lambda doing, _: tell(doing), artefacts) as ways:
            report, rounds = one_network(network, ways, chains, effort, tell)
            networks.append(report)
            sampled.append(rounds)
            pushes[report.network] = ring_push_us(network.network.config)
    return Report(
        when=datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"),
        egopose=version("egopose"),
        quick=quick,
        rounds=effort.rounds,
        machine=machine,
        others=others.share(),
        frame_size=FRAME_SIZE,
        peaks=tuple(peaks_of(chains, sampled)),
        ring_push_us=pushes,
        networks=tuple(networks),
    )


def one_network(
    network: Chosen, ways: Ways, chains: Sequence[Chain], effort: Effort, tell: Tell
) -> tuple[NetworkReport, dict[str, Sampled]]:
    """Its report, and what was sampled, among it the peaks."""
    config, image = network.network.config, camera_picture()
    view = CanonicalView(load_camera(CAMERA), FRAME_SIZE, config.side)
    picture = view.image(image)
    window = SlidingWindow(config)
    gmac, whole = streamed_gmac(network.network), window_gmac(window.network)
    window.run(picture)
    in_turn = {way.name: turn for way in ways.opened if (turn := one_after_the_other(way, config)) is not None}
    subjects = [Subject(WINDOW, partial(window.run, picture), warm=0)]
    for way in ways.opened:
        subjects.append(sized(way.name, partial(way.runtime.run, picture), effort))
        if (turn := in_turn.get(way.name)) is not None:
            subjects.append(sized(turned(way.name), partial(turn.run, picture), effort))
    subjects += [sized(chain.name, chain.run, effort) for chain in chains]
    sampled = timing.measure(subjects, effort.rounds, lambda name: tell(f"{network.name}: {name}"))
    entries = [entry(WINDOW, window_title(), 1, sampled, None, None)]
    for way in ways.opened:
        share = peak_share(sampled, way, chains, gmac)
        figures = gpu_figures(partial(way.runtime.run, picture)) if on_gpu(way.library) else None
        entries.append(entry(way.name, way.title, way.threads, sampled, share, figures))
    stages: list[Stages] = []
    for way in ways.opened:
        if way.parts is not None:
            tell(f"{network.name}: stages of {way.name}")
            stages.append(stages_of(way.name, way.parts, config, image, view, effort.stage_frames))
    under = tuple(capped(ways, gmac, effort, tell))
    report = NetworkReport(
        network=network.name, weights=network.told, side=config.side, window=config.window, gmac=gmac,
        window_gmac=whole, entries=tuple(entries), missing=tuple(ways.missing), stages=tuple(stages),
        parallel=tuple(parallels(sampled, in_turn)), capped=under,
    )  # fmt: skip
    return report, sampled


def camera_picture() -> ImageArray:
    """(H, W, 3) BGR: the bundled session's first picture, in the size that head-mounted cameras have."""
    with open_source(str(DEMO_SESSION)) as source:
        frame = source.read()
    assert frame is not None  # the bundled session is whole
    return np.asarray(cv2.resize(frame.image, FRAME_SIZE, interpolation=cv2.INTER_CUBIC), np.uint8)


def sized(name: str, run: Callable[[], object], effort: Effort) -> Subject:
    """As many frames a round as take about `round_s`, after it has run for the first times."""
    run()
    once = timing.one_round(Subject(name, run))
    return Subject(name, run, max(1, min(200, round(effort.round_s * 1e3 / max(once.wall_ms, 1e-3)))))


def turned(name: str) -> str:
    """The name of a runtime's streams one after the other, among what is measured."""
    return f"{name}, one stream after the other"


def one_after_the_other(way: Way, config: NetworkConfig) -> StreamingRuntime | None:
    """The same parts on one thread; None where there is but one stream, or its parts are not to be had."""
    if way.parts is None or not way.runtime.spares_motion:
        return None
    return StreamingRuntime(way.parts, config, way.title, side_by_side=False)


def window_title() -> str:
    """For people."""
    where = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU, one thread"
    return f"published-style window, PyTorch eager, {where}"


def entry(
    name: str, title: str, threads: int, sampled: Mapping[str, Sampled], share: float | None,
    gpu: tuple[float | None, int | None] | None,
) -> Entry:  # fmt: skip
    """A row of the table, its ratios those of this run's rounds."""
    wall = over = None
    if name != WINDOW:
        wall = timing.ratio(sampled, WINDOW, name, cpu=False)
        # On a GPU the processor only waits: there time is what counts.
        over = wall if torch.cuda.is_available() else timing.ratio(sampled, WINDOW, name, cpu=True)
    gpu_ms, launches = gpu or (None, None)
    return Entry(name, title, threads, sampled[name].cost, over, wall, share, gpu_ms, launches)


def best_chains(wanted: Sequence[str]) -> list[Chain]:
    """Of each library and precision that is to be measured, the shape in which it is fastest here."""
    from engine.runtime.openvino import OpenVino, fast_precisions  # noqa: PLC0415

    candidates: list[Chain] = torch_chains()
    if OpenVino().missing() is None:
        for precision in fast_precisions():
            if not wanted or any(f"openvino-{precision}".startswith(each) for each in wanted):
                candidates += openvino_chains(precision)
    sampled = timing.measure([Subject(chain.name, chain.run) for chain in candidates], 2)

    def speed(chain: Chain) -> float:
        cost = sampled[chain.name].cost
        return chain.gmac / max(cost.wall_ms if on_gpu(chain.library) else cost.cpu_ms, 1e-9)

    kinds = dict.fromkeys((chain.library, chain.precision) for chain in candidates)
    return [max((c for c in candidates if (c.library, c.precision) == kind), key=speed) for kind in kinds]


def on_gpu(library: str) -> bool:
    """Whether a library's networks run on the GPU: there time is what counts, since the processor only waits."""
    return library in (TORCH, TENSORRT) and torch.cuda.is_available()


def peak_share(sampled: Mapping[str, Sampled], way: Way, chains: Iterable[Chain], gmac: float) -> float | None:
    """The network's multiplications in a second over those of the chain of its library and precision, by rounds.

    Both on one thread: where a network has two streams, one after the other. A GPU's peak is that of PyTorch's.
    """
    library = TORCH if on_gpu(way.library) else way.library
    chain = next((c for c in chains if (c.library, c.precision) == (library, way.precision)), None)
    if chain is None:
        return None
    alone = turned(way.name) if turned(way.name) in sampled else way.name
    return gmac / chain.gmac * timing.ratio(sampled, chain.name, alone, cpu=not on_gpu(way.library))


def peaks_of(chains: Sequence[Chain], sampled: Sequence[Mapping[str, Sampled]]) -> Iterable[Peak]:
    """In the median over all rounds of all networks."""
    for chain in chains:
        rounds = [r for each in sampled for r in each[chain.name].rounds]
        spent = median(r.wall_ms if on_gpu(chain.library) else r.cpu_ms for r in rounds)
        yield Peak(chain.library, chain.precision, chain.gmac / max(spent, 1e-9) * 1e3)


def parallels(sampled: Mapping[str, Sampled], in_turn: Iterable[str]) -> Iterable[Parallel]:
    """Side by side against in turn, by wall time."""
    for name in in_turn:
        ratio = timing.ratio(sampled, name, turned(name), cpu=False)
        yield Parallel(name, sampled[turned(name)].cost.wall_ms, sampled[name].cost.wall_ms, ratio)


def capped(ways: Ways, gmac: float, effort: Effort, tell: Tell) -> Iterable[Capped]:
    """OpenVINO in its lowest precision as a laptop runs it, where this machine has more than a laptop."""
    extensions = this_machine().extensions
    if not any(name.startswith(HIGHER) for name in extensions):
        return
    for way in ways.opened:
        # A laptop would not choose fp32, and a quick run has no time for it.
        if way.folder is not None and way.precision in (("int8",) if effort.quick else ("int8", "fp32")):
            tell(f"{way.name} as on a laptop")
            try:
                yield run_capped(
                    way.name,
                    way.folder,
                    way.precision,
                    gmac,
                    rounds=effort.child_rounds,
                    frames=3 if effort.quick else 8,
                )
            except EgoposeError as error:
                ways.missing.append(Missing(f"{way.name} as on a laptop", str(error)))
