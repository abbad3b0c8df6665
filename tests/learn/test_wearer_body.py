"""The baked body and its rig: what is loaded is whole, and bones move it rigidly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calib.calibration import Calibration
from calib.canonical import CANONICAL, canonical_uv
from calib.formats import load_camera
from calib.models.base import Array, CameraModel, Mask
from engine.errors import EgoposeError
from engine.learn.wearer.activities import made_motion
from engine.learn.wearer.body import SPLITS, Body, Posed, load_body, smallest_rotation
from engine.learn.wearer.coat import ARM, HEAD, LEG, REGIONS, coat, regions
from engine.learn.wearer.lens import canonical_lens, lens_of
from engine.learn.wearer.mount import camera_in_head, cameras, to_camera
from engine.learn.wearer.rooms import _seat
from engine.learn.wearer.scene import Mount
from engine.skeleton import JOINTS, MIRROR, PARENTS


@pytest.fixture(scope="module")
def body() -> Body:
    return load_body()


def test_the_shapes_are_adults(body: Body) -> None:
    height = np.ptp(body.vertices[..., 2], axis=1)
    assert len(body.vertices) == SPLITS["test"][1] == 48
    assert height.min() >= 1.499
    assert height.max() <= 1.951
    np.testing.assert_allclose(body.vertices[..., 2].min(axis=1), 0, atol=1e-3)
    np.testing.assert_allclose(body.weights.sum(axis=1), 1, atol=1e-6)
    assert body.faces.max() < body.vertices.shape[1]
    assert all(parent < i for i, parent in enumerate(body.parents))


def test_no_shape_is_in_two_splits() -> None:
    used = [set(range(*span)) for span in SPLITS.values()]
    assert len(set.union(*used)) == sum(map(len, used)) == 48


def test_the_joints_are_where_their_names_say(body: Body) -> None:
    joints = body.heads[:, body.joint_bones].mean(axis=0)
    at = dict(zip(JOINTS, joints, strict=True))
    for name, position in at.items():
        if name.startswith("left"):
            assert position[0] > 0.05
        mirrored = joints[MIRROR[JOINTS.index(name)]]
        np.testing.assert_allclose(mirrored, position * [-1, 1, 1], atol=1e-3)
    order = ["neck", "left_shoulder", "left_elbow", "left_wrist", "left_hip", "left_knee", "left_ankle", "left_foot"]
    heights = [at[name][2] for name in order]
    assert heights == sorted(heights, reverse=True)
    assert at["left_foot"][1] < at["left_ankle"][1] - 0.1  # the toes point to -y
    assert len(PARENTS) == len(joints)


def test_normals_point_outward(body: Body) -> None:
    normals = body.normals(0)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-4)
    # Divergence theorem: the signed volume of the mesh is that of a person, in cubic metres.
    corners = body.vertices[0][body.faces].astype(np.float64)
    volume = np.einsum("ni,ni->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    assert 0.03 < volume < 0.15
    v = body.vertices[0].astype(np.float64)
    a, b, c = (v[body.faces[:, k]] for k in range(3))
    face = np.cross(b - a, c - a)
    total = np.zeros_like(v)
    for k in range(3):
        np.add.at(total, body.faces[:, k], face)
    assert (total * normals).sum(axis=1).min() >= 0


def test_bones_keep_their_length(body: Body) -> None:
    motion = made_motion(np.random.default_rng(1), 1, "reach")
    posed = body.pose(motion, 7, curl=0.5)
    for i, parent in enumerate(body.parents):
        if parent >= 0:
            rest = np.linalg.norm(body.heads[7, i] - body.heads[7, parent])
            now = np.linalg.norm(posed.positions[:, i] - posed.positions[:, parent], axis=1)
            np.testing.assert_allclose(now, rest, atol=1e-5)
    r = posed.rotations
    np.testing.assert_allclose(r @ r.swapaxes(-1, -2), np.broadcast_to(np.eye(3), r.shape), atol=1e-5)


def test_skinning_moves_a_bone_rigidly(body: Body) -> None:
    still = Posed(
        np.tile(np.eye(3, dtype=np.float32), (1, len(body.names), 1, 1)), body.heads[3][None].astype(np.float32)
    )
    np.testing.assert_allclose(body.skinning(still, 3, 0), np.tile(np.eye(4), (len(body.names), 1, 1)), atol=1e-6)
    motion = made_motion(np.random.default_rng(1), 0.2, "wave")
    posed = body.pose(motion, 3)
    matrices = body.skinning(posed, 3, 2)
    heads = np.concatenate([body.heads[3], np.ones((len(body.names), 1))], axis=1)
    np.testing.assert_allclose(np.einsum("bij,bj->bi", matrices, heads)[:, :3], posed.positions[2], atol=1e-5)


@pytest.mark.parametrize("shape", [0, 20, 45])
def test_people_stand_on_their_floor(body: Body, shape: int) -> None:
    motion = made_motion(np.random.default_rng(2), 2, "stand")
    posed = body.pose(motion, shape)
    matrices = body.skinning(posed, shape, 5)
    v = np.concatenate([body.vertices[shape], np.ones((body.vertices.shape[1], 1))], axis=1)
    blended = np.einsum("vk,vkij->vij", body.weights, matrices[body.indices])
    world = np.einsum("vij,vj->vi", blended, v)
    assert world[:, 2].min() == pytest.approx(body.floor(posed, shape), abs=0.03)


def test_the_smallest_rotation() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b = rng.normal(size=(2, 3))
        rotation = smallest_rotation(a, b)
        np.testing.assert_allclose(rotation @ a / np.linalg.norm(a), b / np.linalg.norm(b), atol=1e-12)
        np.testing.assert_allclose(rotation @ np.cross(a, b), np.cross(a, b), atol=1e-12)


def test_the_coat_follows_the_limbs(body: Body) -> None:
    places, region = coat(body), regions(body)
    name = np.array(REGIONS)[region]
    assert np.median(places[name == "left_upper_arm", ARM]) == pytest.approx(0.25, abs=0.1)
    assert np.median(places[name == "right_forearm", ARM]) == pytest.approx(0.75, abs=0.1)
    assert np.median(places[name == "right_thigh", LEG]) == pytest.approx(0.25, abs=0.1)
    assert places[name == "left_foot", LEG].min() > 0.9
    assert (places[name == "trunk"][:, LEG] < 0).mean() > 0.95
    assert places[name == "head", HEAD].max() == pytest.approx(1)
    assert (body.vertices.mean(axis=0)[name == "left_hand", 0] > 0).all()


def test_a_mount_puts_the_camera_before_the_face(body: Body) -> None:
    straight = camera_in_head(body, 4, Mount(0.15, 0.12, 0.02, (0, 0, 0)))
    head = body.vertices[4][regions(body) == REGIONS.index("head")]
    assert straight[1, 3] == pytest.approx(head[:, 1].min() - 0.15, abs=5e-3)
    assert straight[2, 3] == pytest.approx(body.vertices[4][:, 2].max() - 0.12, abs=5e-3)
    np.testing.assert_allclose(straight[:3, 2], [0, 0, -1], atol=1e-12)  # looks down
    np.testing.assert_allclose(straight[:3, 0], [-1, 0, 0], atol=1e-12)  # x to the wearer's right
    tilted = camera_in_head(body, 4, Mount(0.15, 0.12, 0, (0.3, 0.1, 0)))
    np.testing.assert_allclose(tilted[1, 2], -np.sin(0.3) * np.cos(0.1), atol=1e-12)  # forward is -y
    assert tilted[0, 2] > 0.05  # left is +x


def test_the_camera_rides_on_the_head(body: Body) -> None:
    motion = made_motion(np.random.default_rng(3), 1, "turn")
    posed = body.pose(motion, 2)
    placed = cameras(body, posed, 2, Mount(0.15, 0.12, 0, (0.2, 0, 0)))
    seen = to_camera(placed, posed.positions[:, [body.bone("head"), body.bone("eye.L")]])
    np.testing.assert_allclose(seen, np.broadcast_to(seen[0], seen.shape), atol=1e-5)
    right, left = (body.bone(f"upperarm01.{side}") for side in "RL")
    shoulders = to_camera(placed, posed.positions[:, [right, left]])
    assert (shoulders[:, 0, 0] > 0.02).all()
    assert (shoulders[:, 1, 0] < -0.02).all()


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    for name, data in (("none", None), ("empty", b""), ("rubbish", b"PK\x03\x04" + b"x" * 60)):
        path = tmp_path / f"{name}.npz"
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(EgoposeError, match=f"{name}.npz"):
            load_body(path)
    path = tmp_path / "pickled.npz"
    np.savez(path, step_m=np.array([{}], dtype=object))
    with pytest.raises(EgoposeError, match="pickled"):
        load_body(path)


def test_the_lens_is_the_calibrated_one() -> None:
    points = np.random.default_rng(0).normal((0, 0, 0.6), 1, (500, 3))
    camera = load_camera("sceneego")
    lens = lens_of(camera)
    pixels, seen = lens.project(points)
    truth, valid = camera.model.project(points)
    angle = np.arctan2(np.hypot(points[:, 0], points[:, 1]), points[:, 2])
    known = valid & (angle < camera.valid_angle)
    np.testing.assert_allclose(pixels[known], truth[known], atol=2e-3)
    inside = (truth >= -0.5).all(axis=1) & (truth < np.array(camera.size) - 0.5).all(axis=1)
    np.testing.assert_array_equal(seen, known & inside)
    square = canonical_lens(200)
    uv, _ = canonical_uv(points)
    got = (square.project(points)[0] + 0.5) / 200
    np.testing.assert_allclose(got[known], uv[known], atol=1e-5)
    radii = np.linspace(0, square.radii[-1], 50)
    np.testing.assert_allclose(np.interp(square.angles(radii), square.angles(square.radii), square.radii), radii)


def test_a_lens_that_is_not_symmetric_is_refused() -> None:
    class Squashed(CameraModel):
        kind = "squashed"
        params = np.zeros(0)
        max_angle = CANONICAL.model.max_angle

        def project(self, points: Array) -> tuple[Array, Mask]:
            pixels, valid = CANONICAL.model.project(points)
            return pixels * [1, 0.9], valid

        def unproject(self, pixels: Array) -> tuple[Array, Mask]:
            return CANONICAL.model.unproject(pixels / [1, 0.9])

        def rescaled(self, scale: float, offset: tuple[float, float]) -> CameraModel:
            return self

    squashed: Calibration = replace(CANONICAL, name="squashed", model=Squashed())
    with pytest.raises(EgoposeError, match="squashed is not radially symmetric"):
        lens_of(squashed)


def test_no_table_covers_a_wearer_who_bends_below_its_top(body: Body) -> None:
    rng = np.random.default_rng(0)
    posed = body.pose(made_motion(rng, 2, "sit"), 0)
    floor = body.floor(posed, 0)
    bent = posed.positions.copy()
    bent[-1, body.bone("neck01"), 2] = floor + 0.8
    low = replace(posed, positions=bent)
    chair_alone = 6
    assert any(len(_seat(np.random.default_rng(s), body, posed, 0, floor)) > chair_alone for s in range(20))
    assert all(len(_seat(np.random.default_rng(s), body, low, 0, floor)) == chair_alone for s in range(20))
