"""What recording costs and how quickly sessions are read: `python -m engine.live.benchmark`.

Times of a processor are told beside those of the clock, which on a loaded machine say little.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from calib.cv import cv2
from calib.formats import load_camera
from engine.capture.picture import encode_jpeg
from engine.capture.source import SourceInfo
from engine.live.recorder import Recorder
from engine.session.reader import Session
from engine.session.writer import SessionWriter
from engine.types import Frame, ImageArray, Pose

FPS = 60
SIZE = 1280, 1024
READS = 3000
INFO = SourceInfo("benchmark", "benchmark", SIZE, FPS, "", live=True, seekable=False)


def picture(size: tuple[int, int], noise: float) -> ImageArray:
    """(H, W, 3) BGR, about as hard to encode as a camera's."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (size[1] // 16, size[0] // 16, 3)).astype(np.uint8)
    smooth = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC).astype(np.float64)
    return np.clip(smooth + rng.normal(0, noise, smooth.shape), 0, 255).astype(np.uint8)


def pose(seq: int, capture_ns: int) -> Pose:
    """As a network makes them, with heatmaps."""
    rng = np.random.default_rng(seq)
    joints, confidence, uv = (rng.random(shape).astype(np.float32) for shape in ((15, 3), 15, (15, 2)))
    return Pose(seq, capture_ns, joints, confidence, uv, np.zeros((15, 64, 64), np.float32), confidence[:4])


def record(folder: Path, seconds: float) -> str:
    """Record a 60 fps camera's own JPEGs and 30 poses a second; one line."""
    image = picture(SIZE, 8.0)
    jpeg = encode_jpeg(image, 85)
    recorder = Recorder(folder / "recorded.mcap", INFO, load_camera("sceneego"))
    recorder.start()
    handing = 0.0
    due = time.monotonic()
    for seq in range(max(1, round(FPS * seconds))):
        now, began = time.monotonic_ns(), time.thread_time()
        recorder.frame(Frame(image, seq, now, "benchmark", encoded=jpeg))
        if seq % 2:
            recorder.pose(pose(seq, now))
        handing += time.thread_time() - began
        due += 1 / FPS
        time.sleep(max(0.0, due - time.monotonic()))
    recorder.stop(60.0)
    recorder.join()
    figures = recorder.figures()
    figures.path.unlink()
    return (
        f"recording {SIZE[0]} x {SIZE[1]} at {FPS} fps, {len(jpeg) / 1000:.0f} kB a picture, for {seconds:.0f} s: "
        f"{figures.frames} frames, {figures.dropped} lost, {100 * figures.cpu_s / seconds:.1f} % of a core; "
        f"handing them over {100 * handing / seconds:.1f} %"
    )


def read(folder: Path, minutes: float) -> list[str]:
    """Write a long session of small pictures, open it and read at random places; a line for each."""
    path = folder / "long.mcap"
    jpegs = [encode_jpeg(np.roll(picture((320, 256), 0.0), 40 * shift, 1), 80) for shift in range(8)]
    frames = max(10, round(FPS * 60 * minutes))
    with SessionWriter(path, load_camera("sceneego"), info=INFO) as writer:
        for seq in range(frames):
            capture_ns = 10**12 + seq * 10**9 // FPS
            writer.add_jpeg(jpegs[seq % len(jpegs)], seq=seq, capture_ns=capture_ns)
            if seq % 2:
                writer.add_pose(pose(seq, capture_ns))
    opening, opening_cpu = [], []
    for _ in range(9):
        began, began_cpu = time.perf_counter(), time.process_time()
        Session(path).close()
        opening.append(time.perf_counter() - began)
        opening_cpu.append(time.process_time() - began_cpu)
    with Session(path) as session:
        places = np.random.default_rng(1).integers(0, len(session), READS).tolist()
        durations = []
        for place in places:
            began = time.perf_counter()
            session.encoded(place)
            durations.append(time.perf_counter() - began)
    p50, p95 = (1000 * float(value) for value in np.percentile(durations, (50, 95)))
    return [
        f"opening {minutes:.0f} min at {FPS} fps ({path.stat().st_size / 1e9:.1f} GB): "
        f"{np.median(opening):.3f} s in the median, {max(opening):.3f} s at most; "
        f"processor {np.median(opening_cpu):.3f} s",
        f"any frame's bytes, at random: {p50:.3f} ms in the median, {p95:.3f} ms at the 95th percentile",
    ]


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m engine.live.benchmark", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="of recording (default: %(default)s)")
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="of the session that is read (default: %(default)s)"
    )
    parser.add_argument("--folder", type=Path, help="on the disk to measure; some GB are needed for a while")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        print(record(Path(folder), arguments.seconds))
        for line in read(Path(folder), arguments.minutes):
            print(line)


if __name__ == "__main__":
    main()
