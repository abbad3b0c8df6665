"""From what a network says and what is true to the figures of a report."""

from __future__ import annotations

from collections.abc import Sequence as Ordered
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.learn.data.sequence import UNKNOWN_ACTION, Sequence
from engine.learn.evaluate.predict import STAGES, Predictions, same_past
from engine.learn.metrics import accelerations, ba_errors_mm, interval, joint_errors_mm, pa_errors_mm
from engine.learn.wearer.motion import ACTIONS
from engine.skeleton import JOINTS
from engine.types import FloatArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

PCK_AT = (0.01, 0.02, 0.05, 0.1)
"""Of the canonical picture's side."""
BLOCK_S = 10.0
"""Longer stretches are cut into blocks of this, so that the bootstrap has enough to draw from."""
PARTS = {"upper body": slice(0, 7), "lower body": slice(7, 15)}


@dataclass(frozen=True, slots=True)
class Error:
    """Mean errors of some joints of some frames, in millimetres; NaN where there are none."""

    frames: int
    mpjpe: float
    pa: float
    ba: float


@dataclass(frozen=True, slots=True)
class Headline:
    """A mean error with its 95 % bootstrap interval over clips, in millimetres."""

    mean: float
    low: float
    high: float
    median: float


@dataclass(frozen=True, slots=True)
class Visible:
    """Joints that are visible, hidden, or out of the picture."""

    joints: int
    mpjpe: float
    uv_median: float
    """Of the side; NaN for joints out of the picture, whose place in it is nobody's business."""


@dataclass(frozen=True, slots=True)
class Jitter:
    """Mean accelerations over frames and joints, mm/s^2; NaN where no three frames follow one another."""

    predicted: float
    truth: float
    error: float
    """Of the difference between the two."""


@dataclass(frozen=True, slots=True)
class Action:
    """How often the likeliest action is the true one, beside always naming the commonest."""

    frames: int
    top1: float
    chance: float
    commonest: str


@dataclass(frozen=True, slots=True)
class Windowed:
    """The same network over windows, as in training."""

    length: int
    mpjpe: float
    pa: float
    compared: int
    """Frames in which a window holds just what the stream remembers."""
    difference_mm: float
    """The largest difference of a joint between the two, in those frames."""


@dataclass(frozen=True, slots=True)
class Scores:
    """All figures of one network on some data."""

    frames: int
    scored: int
    """Frames in which at least one joint is known."""
    clips: int
    mpjpe: Headline
    pa: Headline
    ba: Headline
    mean_pose: Error
    """Of always saying the data's own mean pose: what looking at the picture has to beat."""
    joints: dict[str, Error]
    parts: dict[str, Error]
    actions: dict[str, Error]
    data_sets: dict[str, Error]
    subjects: dict[str, Error]
    sequences: dict[str, Error]
    visibility: dict[str, Visible]
    hidden_known: bool
    """Whether all of the data tells hidden joints; if not, some of the hidden count as visible."""
    pck: dict[str, float]
    """Share of the visible joints whose peak lies within so much of the side."""
    uv_median: float
    uv_mean: float
    jitter: Jitter
    action: Action | None
    latency_ms: dict[str, dict[str, float]]
    """Percentiles of each stage and of all of them together."""
    windowed: Windowed | None


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One network on all sequences: the arrays of all frames, one after the other, that figures are drawn from."""

    truth: Array
    """(N, 15, 3) metres."""
    predicted: Array
    errors: Array
    """(N, 15) mm, NaN where the joint is not known."""
    pa: Array
    ba: Array
    uv_off: Array
    """(N, 15) distance of the peaks from the truth, of the side; NaN where either is not known."""
    uv_known: Mask
    visible: Mask
    inside: Mask
    action: NDArray[np.int16]
    clip: NDArray[np.int64]
    """(N,) numbers of the stretches, over all sequences."""
    block: NDArray[np.int64]
    """(N,) numbers of the clips that the bootstrap draws."""
    since_s: Array
    """(N,) seconds since the stretch began."""
    place: list[tuple[int, int]]
    """Sequence and row of each frame."""

    @property
    def frame_errors(self) -> Array:
        """(N,) mm, the mean over the joints that are known; NaN where none is."""
        return row_mean(self.errors)


def row_mean(errors: Array) -> Array:
    """(N, J) to (N,), NaN left out; NaN where there is nothing else."""
    known = np.isfinite(errors)
    total = np.where(known, errors, 0.0).sum(1)
    return np.asarray(np.where(known.any(1), total / np.maximum(known.sum(1), 1), np.nan))


def mean(values: Array) -> float:
    """Of what is finite."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def median(values: Array) -> float:
    """Of what is finite."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")


def gather(sequences: Ordered[Sequence], predictions: Ordered[Predictions]) -> Result:
    """All frames of all sequences, with their errors."""

    def joined(name: str) -> Array:
        return np.concatenate([getattr(s, name) for s in sequences])

    truth, uv = joined("joints_m").astype(np.float64), joined("uv").astype(np.float64)
    predicted = np.concatenate([p.joints_m for p in predictions]).astype(np.float64)
    clips, blocks, since = _numbered(sequences)
    uv_known = np.asarray(np.isfinite(uv).all(-1))
    in_view = uv_known & (np.hypot(*np.moveaxis(2 * np.where(uv_known[..., None], uv, 0.5) - 1, -1, 0)) <= 1)
    return Result(
        truth=truth,
        predicted=predicted,
        errors=joint_errors_mm(predicted, truth),
        pa=pa_errors_mm(predicted, truth),
        ba=ba_errors_mm(predicted, truth),
        uv_off=np.linalg.norm(np.concatenate([p.uv for p in predictions]) - uv, axis=-1),
        uv_known=uv_known,
        visible=np.concatenate([s.visible for s in sequences]) & in_view,
        inside=in_view,
        action=np.concatenate([s.action for s in sequences]),
        clip=clips,
        block=blocks,
        since_s=since,
        place=[(n, row) for n, s in enumerate(sequences) for row in range(len(s))],
    )


def _numbered(sequences: Ordered[Sequence]) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    """Stretches and blocks over all sequences, and the seconds since each stretch began."""
    clips, blocks, since = [], [], []
    next_clip = next_block = 0
    for sequence in sequences:
        for stretch in sequence.stretches():
            seconds = sequence.time_s[stretch] - sequence.time_s[stretch.start]
            within = (seconds // BLOCK_S).astype(np.int64)
            clips.append(np.full(len(seconds), next_clip))
            blocks.append(within + next_block)
            since.append(seconds)
            next_clip, next_block = next_clip + 1, next_block + int(within[-1]) + 1
    return np.concatenate(clips), np.concatenate(blocks), np.concatenate(since)


def score(
    sequences: Ordered[Sequence],
    predictions: Ordered[Predictions],
    actions: tuple[str, ...],
    windows: tuple[int, Ordered[FloatArray]] | None = None,
) -> tuple[Scores, Result]:
    """All figures. `actions` are the network's; `windows` the length of its windows and what it says over them."""
    result = gather(sequences, predictions)
    data_sets = np.concatenate([np.full(len(s), s.data_set) for s in sequences])
    subjects = np.concatenate([s.subject for s in sequences])
    named = np.array([*ACTIONS, ""])[result.action]
    seen = np.where(result.visible, result.uv_off, np.nan)
    lost = result.visible & np.isnan(result.uv_off)
    scores = Scores(
        frames=len(result.truth),
        scored=int(np.isfinite(result.errors).any(1).sum()),
        clips=int(result.clip[-1]) + 1,
        mpjpe=_headline(result.errors, result.block),
        pa=_headline(result.pa, result.block),
        ba=_headline(result.ba, result.block),
        mean_pose=_mean_pose(result.truth),
        joints={name: _error(result, joints=slice(j, j + 1)) for j, name in enumerate(JOINTS)},
        parts={name: _error(result, joints=part) for name, part in PARTS.items()},
        actions=_grouped(result, named),
        data_sets=_grouped(result, data_sets),
        subjects=_grouped(result, subjects),
        sequences=_grouped(result, np.concatenate([np.full(len(s), f"{s.data_set} {s.name}") for s in sequences])),
        visibility=_visibility(result),
        hidden_known=all(sequence.hidden_known for sequence in sequences),
        pck={f"{at:g}": _share(seen <= at, np.isfinite(seen) | lost) for at in PCK_AT},
        uv_median=median(np.where(lost, np.inf, seen)[np.isfinite(seen) | lost]),
        uv_mean=mean(seen),
        jitter=_jitter(sequences, predictions),
        action=_action(result, predictions, actions),
        latency_ms=_latency(predictions),
        windowed=None if windows is None else _windowed(sequences, predictions, *windows),
    )
    return scores, result


def _headline(errors: Array, block: NDArray[np.int64]) -> Headline:
    """The mean over frames, each frame once; over the frame's known joints first."""
    frames = row_mean(errors)
    known = np.isfinite(frames)
    blocks = int(block[-1]) + 1
    weights = (frames[known], np.ones(int(known.sum())))
    sums, counts = (np.bincount(block[known], weight, blocks).astype(np.float64) for weight in weights)
    low, high = interval(sums, counts)
    return Headline(mean(frames), low, high, median(frames))


def against(first: Result, other: Result) -> Headline:
    """How much larger the other's MPJPE is than the first's, on the same frames: the interval is of the pairs."""
    return _headline((other.frame_errors - first.frame_errors)[:, None], first.block)


def _error(result: Result, rows: Mask | slice = slice(None), joints: slice = slice(None)) -> Error:
    errors, pa, ba = (part[rows][:, joints] for part in (result.errors, result.pa, result.ba))
    return Error(int(np.isfinite(errors).any(1).sum()), *(mean(row_mean(part)) for part in (errors, pa, ba)))


def _grouped(result: Result, label: NDArray[np.str_]) -> dict[str, Error]:
    """By label, the empty one left out; the most frames first."""
    names, counts = np.unique(label[label != ""], return_counts=True)
    return {str(names[i]): _error(result, label == names[i]) for i in np.argsort(-counts, kind="stable")}


def _mean_pose(truth: Array) -> Error:
    known = np.isfinite(truth).all((1, 2))
    if not known.any():
        return Error(0, float("nan"), float("nan"), float("nan"))
    wanted = truth[known]
    pose = np.broadcast_to(wanted.mean(0), wanted.shape)
    parts = (joint_errors_mm(pose, wanted), pa_errors_mm(pose, wanted), ba_errors_mm(pose, wanted))
    return Error(len(wanted), *(mean(row_mean(part)) for part in parts))


def _visibility(result: Result) -> dict[str, Visible]:
    kinds = {
        "visible": result.visible,
        "hidden": result.inside & ~result.visible,
        "out of the picture": result.uv_known & ~result.inside,
    }
    found = {}
    for name, chosen in kinds.items():
        off = result.uv_off[chosen] if name != "out of the picture" else np.zeros(0)
        found[name] = Visible(int(chosen.sum()), mean(result.errors[chosen]), median(off))
    return found


def _share(hits: Mask, of: Mask) -> float:
    return float((hits & of).sum() / of.sum()) if of.any() else float("nan")


def _jitter(sequences: Ordered[Sequence], predictions: Ordered[Predictions]) -> Jitter:
    ours, theirs = [], []
    for sequence, prediction in zip(sequences, predictions, strict=True):
        ours.append(accelerations(prediction.joints_m, sequence.time_s, sequence.clip))
        theirs.append(accelerations(sequence.joints_m, sequence.time_s, sequence.clip))
    a, b = np.concatenate(ours) * 1e3, np.concatenate(theirs) * 1e3
    # Only where both are known, or the two would speak of different frames.
    a = np.where(np.isfinite(b), a, np.nan)
    return Jitter(*(mean(np.linalg.norm(part, axis=-1)) for part in (a, b, a - b)))


def _action(result: Result, predictions: Ordered[Predictions], actions: tuple[str, ...]) -> Action | None:
    known = result.action != UNKNOWN_ACTION
    if not actions or not known.any():
        return None
    scores = np.concatenate([p.action_scores for p in predictions])
    said = np.array(actions)[scores.argmax(1)][known]
    true = np.array(ACTIONS)[result.action[known]]
    names, counts = np.unique(true, return_counts=True)
    chance = float(counts.max() / counts.sum())
    return Action(int(known.sum()), float((said == true).mean()), chance, str(names[counts.argmax()]))


def _latency(predictions: Ordered[Predictions]) -> dict[str, dict[str, float]]:
    stages = np.concatenate([p.stage_ms for p in predictions]).astype(np.float64)
    parts = dict(zip(STAGES, stages.T, strict=True)) | {"all": stages.sum(1)}
    return {name: {f"p{q}": float(np.percentile(part, q)) for q in (50, 95, 99)} for name, part in parts.items()}


def _windowed(
    sequences: Ordered[Sequence], predictions: Ordered[Predictions], length: int, found: Ordered[FloatArray]
) -> Windowed:
    truth = np.concatenate([s.joints_m for s in sequences])
    joints, streamed = np.concatenate(list(found)), np.concatenate([p.joints_m for p in predictions])
    same = np.concatenate([same_past(s, length) for s in sequences])
    apart = np.linalg.norm(joints[same].astype(np.float64) - streamed[same], axis=-1) * 1e3
    errors = (joint_errors_mm(joints, truth), pa_errors_mm(joints, truth))
    mpjpe, pa = (mean(row_mean(part)) for part in errors)
    return Windowed(length, mpjpe, pa, int(same.sum()), float(apart.max(initial=0.0)))
