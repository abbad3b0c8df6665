"""What the doctor looks at. Each check says what it found; one that fails itself is a finding too. No Qt here."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from typing import Any

from app.about import program_version
from app.cameras import Known, known_cameras
from app.display import check_display, has_display
from app.doctor.findings import Finding, Verdict
from app.preferences import load_preferences
from app.translation import tr
from engine.assets import ASSETS, DEMO_SESSION, bundled_weights
from engine.errors import EgoposeError

GOOD, ABSENT, BROKEN = Verdict.GOOD, Verdict.ABSENT, Verdict.BROKEN
NEEDED = ("numpy", "scipy", "opencv-python", "PyQt6", "torch", "av", "mcap", "protobuf", "safetensors", "rich")
"""Packages whose versions matter when something goes wrong."""
_HIDDEN_EXTRAS = {"dev", "bake"}
"""Of those who work on the program itself."""
_OPENCV = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
_ROOM = 2 << 30
"""Bytes that a recording warns below."""
_PROBE_S = 30.0

Check = Callable[[], Iterable[Finding]]


def examine() -> list[Finding]:
    """Look at everything; takes seconds. Never raises."""
    found: list[Finding] = []
    for group, check in CHECKS:
        try:
            found += check()
        except Exception as error:  # whatever is wrong with the machine, the doctor says so and goes on
            name = check.__name__.replace("_", " ")
            text = tr("could not be looked at: {kind}: {why}", kind=type(error).__name__, why=_line(error))
            found.append(Finding(group, name, BROKEN, text))
    return found


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _again() -> str:
    command = f"{Path(sys.executable).name} -m pip install -e ."
    return tr("set up anew: make clean, then make demo; or: {command}", command=command)


# ---- program ----


def program() -> Iterator[Finding]:
    """Versions of the program, Python, the system and what the program is made of."""
    own = program_version()
    text = own or tr("a plain checkout, not installed")
    yield Finding("program", "egopose", GOOD if own else ABSENT, text, "" if own else "pip install -e .")
    yield Finding("program", "Python", GOOD, f"{platform.python_version()}, {sys.executable}")
    yield Finding("program", tr("system"), GOOD, f"{platform.platform()}, {os.cpu_count()} x {platform.machine()}")
    for package in NEEDED:
        there = _version(package)
        if there is None:
            yield Finding("program", package, BROKEN, tr("is not installed"), _again())
        else:
            yield Finding("program", package, GOOD, there)
    wheels = [name for name in _OPENCV if _version(name) is not None]
    if len(wheels) > 1:
        others = [name for name in wheels if name != "opencv-python"]
        yield Finding(
            "program",
            "OpenCV",
            BROKEN,
            tr("installed more than once, each over the other: {names}", names=", ".join(wheels)),
            f"pip uninstall -y {' '.join(others)} && pip install --force-reinstall --no-deps opencv-python",
        )


def what_is_bundled() -> Iterator[Finding]:
    """The network and the demo."""
    try:
        weights = bundled_weights("small")
        yield Finding("program", tr("network"), GOOD, f"small, {weights.stat().st_size / 1e6:.0f} MB")
    except (EgoposeError, OSError) as error:
        yield Finding("program", tr("network"), BROKEN, _line(error), tr("get {folder} anew", folder=ASSETS))
    if not DEMO_SESSION.is_file():
        yield Finding("program", tr("demo"), BROKEN, tr("{file} is missing", file=DEMO_SESSION),
                      tr("get {folder} anew", folder=ASSETS))  # fmt: skip


# ---- what runs the network ----


def torch_and_cuda() -> Iterator[Finding]:
    """PyTorch, and whether it and the graphics driver fit each other."""
    try:
        import torch  # noqa: PLC0415  takes seconds
    except Exception as error:  # a wheel for another machine fails in many ways
        yield Finding("network", "PyTorch", BROKEN, tr("cannot be loaded: {why}", why=_line(error)), _again())
        return
    driver, cuda = nvidia_driver(), torch.version.cuda
    build = tr("built for CUDA {version}", version=cuda) if cuda else tr("built for the processor alone")
    yield Finding("network", "PyTorch", GOOD, f"{torch.__version__}, {build}")
    if torch.cuda.is_available():
        capability = ".".join(map(str, torch.cuda.get_device_capability()))
        yield Finding("network", "GPU", GOOD, tr("{name}, compute capability {capability}, driver {driver}",
                      name=torch.cuda.get_device_name(), capability=capability, driver=driver or "?"))  # fmt: skip
    elif driver is None:
        yield Finding("network", "GPU", ABSENT, tr("no NVIDIA driver: the network runs on the processor"))
    elif not cuda:
        yield Finding("network", "GPU", ABSENT, tr("driver {driver}, but this PyTorch knows no GPU", driver=driver),
                      tr("for the GPU, install the torch of the package index in place of its CPU build"))  # fmt: skip
    else:
        yield Finding(
            "network",
            "GPU",
            BROKEN,
            tr("driver {driver} does not work with a PyTorch built for CUDA {version}", driver=driver, version=cuda),
            tr("update the NVIDIA driver and restart, or install a PyTorch built for an older CUDA"),
        )


def the_runtimes() -> Iterator[Finding]:
    """What can run the network besides PyTorch itself."""
    from engine.runtime.choice import TITLES, way  # noqa: PLC0415
    from engine.runtime.openvino import fast_precisions  # noqa: PLC0415

    for name, title in TITLES.items():
        if name == "eager":
            continue
        missing = way(name).missing()
        if missing is None:
            text = tr("can run it; fast here: {precisions}", precisions=", ".join(fast_precisions()))
            yield Finding("network", title, GOOD, text if name == "openvino" else tr("can run it"))
        else:
            what, _, way_out = missing.partition("; ")
            yield Finding("network", title, ABSENT, what, way_out)


def nvidia_driver(file: Path = Path("/proc/driver/nvidia/version")) -> str | None:
    """The version of the driver that is loaded, None where there is none."""
    if file.is_file():
        told = file.read_text(encoding="utf-8", errors="replace")
        found = re.search(r"Kernel Module(?: for \S+)?\s+(\d[\d.]*)", told)
        return found[1] if found else "?"
    if (tool := shutil.which("nvidia-smi")) is None:
        return None
    asked = [tool, "--query-gpu=driver_version", "--format=csv,noheader"]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=20, check=False)
    return done.stdout.split()[0] if done.returncode == 0 and done.stdout.split() else None


# ---- window ----


def the_window() -> Iterator[Finding]:
    """Display, OpenGL and fonts, as Qt sees them."""
    if not has_display():
        try:
            check_display()
            yield Finding("window", tr("display"), ABSENT, tr("none that anybody sees (QT_QPA_PLATFORM={platform})",
                          platform=os.environ.get("QT_QPA_PLATFORM", "")))  # fmt: skip
        except EgoposeError as error:
            wanted = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
            yield Finding("window", tr("display"), BROKEN if wanted else ABSENT, _line(error))
    seen = probe()
    yield Finding("window", "Qt", GOOD, f"{seen['qt']}, PyQt {seen['pyqt']}, {seen['platform']}")
    if seen["screen"] and has_display():
        width, height = seen["screen"]
        yield Finding("window", tr("screen"), GOOD, tr("{size} at {scale} %", size=f"{width}x{height}",
                      scale=f"{100 * seen['scale']:.0f}"))  # fmt: skip
    yield _renderer(seen["renderer"])
    if seen["fonts"]:
        yield Finding("window", tr("fonts"), GOOD, tr("{n} family", "{n} families", n=seen["fonts"]))
    else:
        yield Finding("window", tr("fonts"), BROKEN, tr("none: text shows as boxes"), "apt install fonts-dejavu-core")


def _renderer(renderer: str) -> Finding:
    from app.hardware_gl import is_hardware  # noqa: PLC0415  loads Qt

    if is_hardware(renderer):
        return Finding("window", "OpenGL", GOOD, renderer)
    text = tr("{renderer}, in software: the 3D view is painted instead", renderer=renderer)
    return Finding("window", "OpenGL", ABSENT, text if renderer else tr("none: the 3D view is painted instead"))


def probe() -> dict[str, Any]:
    """What Qt says in a process of its own. Raises EgoposeError where it ends without saying it."""
    environment = dict(os.environ)
    if not has_display():
        environment["QT_QPA_PLATFORM"] = "offscreen"
    root = Path(__file__).parents[2]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(root), environment.get("PYTHONPATH", "")]))
    done = subprocess.run([sys.executable, "-m", "app.doctor.probe"], capture_output=True, env=environment,
                          encoding="utf-8", errors="replace", timeout=_PROBE_S, check=False)  # fmt: skip
    if done.returncode != 0 or not done.stdout.strip():
        last = (done.stderr.strip().splitlines() or [tr("status {status}", status=done.returncode)])[-1]
        raise EgoposeError(tr("Qt cannot start here: {why}", why=last.strip()))
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return seen


# ---- cameras ----


def the_cameras() -> Iterator[Finding]:
    """Each camera: what it gives, whether it may be read, who holds it, and its calibration."""
    cameras = known_cameras()
    if not cameras:
        yield Finding("cameras", tr("camera"), ABSENT, tr("none is connected; egopose live synthetic needs none"))
    for known in cameras:
        yield _camera(known)
    for node in sorted(Path("/dev").glob("video*")):
        if not os.access(node, os.R_OK | os.W_OK) and all(known.camera.where != str(node) for known in cameras):
            yield Finding("cameras", str(node), ABSENT, tr("this user may not read it"), _group_help(str(node)))


def _camera(known: Known) -> Finding:
    name, node = known.camera.name, known.camera.where
    if not known.readable:
        return Finding("cameras", name, BROKEN, tr("{node} may not be read", node=node), _group_help(node))
    holder = holder_of(Path(node))
    if holder:
        return Finding("cameras", name, BROKEN, tr("is in use by {program}", program=holder), tr("close that program"))
    best = max(known.formats, key=lambda f: (max(f.fps, default=0.0), f.size[0] * f.size[1]), default=None)
    given = tr("its formats are not told")
    if best is not None:
        size, fps = f"{best.size[0]}x{best.size[1]}", f"{max(best.fps, default=0.0):g}"
        given = tr("{size}, {codec}, up to {fps} fps", size=size, codec=best.codec, fps=fps)
    calibrated = tr("calibrated") if known.calibration else tr("not calibrated")
    todo = "" if known.calibration else "egopose calibrate"
    return Finding("cameras", name, GOOD, f"{node or 'USB'}, {given}, {calibrated}", todo)


def _group_help(node: str) -> str:
    """Linux lets the group of the node read it."""
    try:
        import grp  # noqa: PLC0415  not on Windows

        group = grp.getgrgid(os.stat(node).st_gid).gr_name
    except (ImportError, OSError, KeyError):
        group = "video"
    return tr("sudo usermod -aG {group} $USER, then log in anew", group=group)


def holder_of(node: Path, processes: Path = Path("/proc")) -> str:
    """The name of another process that has a device open, "" where none is seen. Linux only."""
    if not str(node).startswith("/dev/") or not processes.is_dir():
        return ""
    device = os.path.realpath(node)
    for process in processes.iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            if any(os.path.realpath(file) == device for file in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text(encoding='utf-8').strip()} ({process.name})"
        except OSError:
            continue  # of another user, or gone meanwhile
    return ""


# ---- extras and disk ----


def the_extras() -> Iterator[Finding]:
    """What can be installed besides, as the package itself declares it."""
    try:
        names = metadata("egopose").get_all("Provides-Extra") or []
        wanted = requires("egopose") or []
    except PackageNotFoundError:
        return
    for extra in sorted(set(names) - _HIDDEN_EXTRAS):
        packages = [_package(line) for line in wanted if re.search(rf"extra\s*==\s*['\"]{re.escape(extra)}['\"]", line)]
        missing = [name for name in packages if _version(name) is None]
        there = ", ".join(f"{name} {_version(name)}" for name in packages if name not in missing)
        if missing:
            text = tr("not installed: {packages}", packages=", ".join(missing))
            yield Finding("extras", extra, ABSENT, text, f'pip install -e ".[{extra}]"')
        elif packages:
            yield Finding("extras", extra, GOOD, there)


def _package(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    return found[0] if found else requirement


def the_disk() -> Iterator[Finding]:
    """Room for recordings, and whether they can be written."""
    folder = load_preferences().folder
    place = next((one for one in (folder, *folder.parents) if one.is_dir()), Path("/"))
    free = shutil.disk_usage(place).free
    text = tr("{folder}, {free} GB free", folder=folder, free=f"{free / 1e9:.1f}")
    if not os.access(place, os.W_OK):
        yield Finding("disk", tr("recordings"), BROKEN, tr("{folder} cannot be written", folder=place),
                      tr("choose another folder under Recording in the menu"))  # fmt: skip
    elif free < _ROOM:
        yield Finding("disk", tr("recordings"), BROKEN, text, tr("free some space, or choose another folder"))
    else:
        yield Finding("disk", tr("recordings"), GOOD, text)


CHECKS: tuple[tuple[str, Check], ...] = (
    ("program", program),
    ("program", what_is_bundled),
    ("network", torch_and_cuda),
    ("network", the_runtimes),
    ("window", the_window),
    ("cameras", the_cameras),
    ("extras", the_extras),
    ("disk", the_disk),
)
