"""The renderer: what it draws lies where the calibration says, and is what the truth says it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import moderngl
import numpy as np
import pytest

from calib.calibration import Calibration
from calib.canonical import CANONICAL
from calib.cv import cv2
from calib.formats import load_camera
from calib.remap import fit_camera
from engine.errors import EgoposeError
from engine.learn.wearer.activities import made_motion
from engine.learn.wearer.body import Body, load_body
from engine.learn.wearer.coat import REGIONS
from engine.learn.wearer.gl import gl_context, lens_table, unlens_table
from engine.learn.wearer.lens import Lens, canonical_lens, lens_of
from engine.learn.wearer.render import FAR_M, Picture, Renderer
from engine.learn.wearer.scene import Form, Pattern, Surface, Thing, placed
from engine.learn.wearer.sensor import CLEAN, expose, sample_sensor, shading
from engine.learn.wearer.shadows import REACH_M, Cast
from engine.learn.wearer.shadows import SIDE as SHADOW_SIDE
from engine.learn.wearer.solids import solid, steps
from engine.learn.wearer.take import Take, blurred, film, make_take, shown, shutter, smear
from engine.skeleton import JOINTS

SIDE = 160
RED = Surface((0.9, 0.0, 0.0), (0.9, 0.0, 0.0))


@pytest.fixture(scope="module")
def body() -> Body:
    try:
        gl_context().release()
    except EgoposeError as error:
        pytest.skip(str(error))
    return load_body()


@pytest.fixture(scope="module")
def renderer(body: Body) -> Iterator[Renderer]:
    with Renderer(canonical_lens(SIDE), body=body) as made:
        yield made


def take_of(body: Body, activity: str, seed: int = 0, shape: int = 3) -> Take:
    rng = np.random.default_rng(seed)
    for _ in range(20):
        take = make_take(rng, body, made_motion(rng, 1, activity), shape)
        if not take.collides():
            break
    bare = replace(take.scene.room, things=())
    return replace(take, scene=replace(take.scene, room=bare, held=()))


def in_tiles(take: Take) -> Take:
    """In clothes whose pattern depends on how wide a pixel is, and so on what lies beside it if that is not told."""
    surface = Surface((0.05, 0.05, 0.3), (0.9, 0.9, 0.9), Pattern.TILES, 15.0)
    outfit = replace(take.scene.outfit, shirt=surface, trousers=surface)
    return replace(take, scene=replace(take.scene, outfit=outfit))


def draw(renderer: Renderer, take: Take, frame: int = 0) -> Picture:
    return renderer.render(take.scene, take.posed, frame, take.cameras[frame])


def with_thing(take: Take, thing: Thing) -> Take:
    return replace(take, scene=replace(take.scene, room=replace(take.scene.room, things=(thing,))))


@pytest.mark.parametrize(
    "camera",
    [fit_camera(CANONICAL, (SIDE, SIDE)), fit_camera(load_camera("sceneego"), (320, 256))],
    ids=["canonical", "sceneego"],
)
def test_a_ball_is_drawn_where_the_calibration_projects_it(body: Body, camera: Calibration) -> None:
    take = take_of(body, "stand")
    directions = [(0.0, -0.3, 1.0), (0.7, -0.5, 0.8), (-0.9, -0.6, 0.3), (0.4, -1.0, 0.05), (1.0, -0.3, 0.2)]
    with Renderer(lens_of(camera), oversample=2, body=body) as renderer:
        for direction in directions:
            centre = np.array(direction) / np.linalg.norm(direction) * 0.6
            world = take.cameras[0] @ [*centre, 1]
            ball = Thing(Form.BALL, placed(world[:3], np.full(3, 0.05)), RED)
            drawn = draw(renderer, with_thing(take, ball))
            rows, columns = np.nonzero(drawn.region == REGIONS.index("thing"))
            assert len(rows) > 8
            # The middle of a small ball's disc is the image of its centre, but for the little that the disc's bearings
            # are stretched across the picture.
            expected, valid = camera.model.project(centre)
            assert valid
            np.testing.assert_allclose([columns.mean(), rows.mean()], expected, atol=0.5)
            nearest = drawn.depth_m[rows, columns].min()
            assert nearest == pytest.approx(0.6 - 0.025, abs=0.003)
            red = drawn.image[rows, columns].astype(int)
            assert np.median(red[:, 0] - red[:, 1]) > 40


@pytest.mark.parametrize("activity", ["stand", "reach", "squat", "sit", "knees"])
def test_visible_joints_lie_on_the_body(renderer: Renderer, activity: str) -> None:
    take = take_of(renderer.body, activity, seed=1)
    lens = renderer.view
    found = 0
    for frame in (0, 15, 29):
        drawn = draw(renderer, take, frame)
        visible = shown(take.joints_m[frame], drawn, lens)
        pixels, _ = lens.project(take.joints_m[frame].astype(np.float64))
        for j in np.flatnonzero(visible):
            u, v = np.round(pixels[j]).astype(int)
            around = drawn.region[max(v - 1, 0) : v + 2, max(u - 1, 0) : u + 2]
            assert (around > REGIONS.index("thing")).any(), JOINTS[j]
            found += 1
        distance = np.linalg.norm(take.joints_m[frame], axis=1)
        assert drawn.depth_m[drawn.region > 1].max() < distance.max() + 0.3
        assert drawn.depth_m[drawn.region == 0].min() == FAR_M
    assert found > 15


def test_each_side_is_drawn_on_its_side(renderer: Renderer) -> None:
    take = take_of(renderer.body, "stand")
    drawn = draw(renderer, take)
    for name in ("forearm", "hand", "upper_arm"):
        right, left = (np.nonzero(drawn.region == REGIONS.index(f"{side}_{name}"))[1] for side in ("right", "left"))
        if len(right) and len(left):
            assert right.mean() > left.mean() + 10  # the wearer's right is right in the picture


def test_what_stands_before_a_joint_hides_it(renderer: Renderer) -> None:
    take = take_of(renderer.body, "reach", seed=2)
    drawn = draw(renderer, take)
    visible = shown(take.joints_m[0], drawn, renderer.view)
    wrist = JOINTS.index("right_wrist" if visible[JOINTS.index("right_wrist")] else "left_wrist")
    assert visible[wrist]
    middle = take.cameras[0] @ [*(take.joints_m[0, wrist] * 0.6), 1]
    box = Thing(Form.BOX, placed(middle[:3], np.full(3, 0.08)), RED)
    hidden = shown(take.joints_m[0], draw(renderer, with_thing(take, box)), renderer.view)
    assert not hidden[wrist]
    behind = take.cameras[0] @ [*(take.joints_m[0, wrist] * 2), 1]
    box = Thing(Form.BOX, placed(behind[:3], np.full(3, 0.08)), RED)
    assert shown(take.joints_m[0], draw(renderer, with_thing(take, box)), renderer.view)[wrist]


def test_joints_outside_the_picture_are_not_visible(renderer: Renderer) -> None:
    drawn = draw(renderer, take_of(renderer.body, "stand"))
    joints = np.tile(np.array([0.0, 1.0, -1.0], np.float32), (15, 1))
    assert not shown(joints, drawn, renderer.view).any()


def test_outside_the_circle_all_is_black(renderer: Renderer) -> None:
    drawn = draw(renderer, take_of(renderer.body, "stand"))
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5 - SIDE / 2
    r = np.hypot(x, y) / (SIDE / 2)
    assert drawn.image[r > 1.02].max() == 0
    assert drawn.image[r < 0.97].mean() > 40
    # The polygon that the room is drawn on holds all of the circle.
    assert drawn.image[r < 0.98].max(axis=1).min() > 0


def test_the_same_scene_gives_the_same_picture(renderer: Renderer, body: Body) -> None:
    take, other = (in_tiles(take_of(body, "wave", seed)) for seed in (0, 5))
    first = draw(renderer, take)
    with Renderer(canonical_lens(96), body=body) as second:
        # Two renderers at once do not disturb each other.
        small = draw(second, take)
        draw(renderer, other)
        again = draw(renderer, take)
        np.testing.assert_array_equal(draw(second, take).image, small.image)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.region, again.region)
    assert (first.image != draw(renderer, other).image).any()


def test_a_thing_in_the_hand_goes_with_it(renderer: Renderer) -> None:
    take = take_of(renderer.body, "stand")
    bone = renderer.body.bone("wrist.L")
    matrix = placed(renderer.body.heads[3, bone].astype(float), np.full(3, 0.16))
    held = replace(take, scene=replace(take.scene, held=(Thing(Form.BALL, matrix, RED, bone=bone),)))
    drawn = draw(renderer, held)
    rows, columns = np.nonzero(drawn.region == 1)
    pixels, _ = renderer.view.project(take.joints_m[0, [JOINTS.index("left_wrist")]].astype(float))
    np.testing.assert_allclose([columns.mean(), rows.mean()], pixels[0], atol=1.5)


def test_sensors_keep_the_picture_mild(renderer: Renderer) -> None:
    take = take_of(renderer.body, "stand")
    drawn = draw(renderer, take).image
    for seed in range(8):
        sensor = sample_sensor(np.random.default_rng(seed))
        gain = shading(sensor, renderer.view)
        image, same = (expose(drawn, sensor, gain, np.random.default_rng(1)) for _ in range(2))
        np.testing.assert_array_equal(image, same)
        lit = gain[..., 0] > 0.5
        assert 60 < image[lit].mean() < 190
        kept = np.corrcoef(image[lit].mean(axis=1), drawn[lit].mean(axis=1))[0, 1]
        assert kept > 0.75
        assert image[0, 0].max() < 40
    clean = expose(
        drawn,
        replace(CLEAN, noise=0.0, fall=0.0),
        shading(replace(CLEAN, fall=0.0), renderer.view),
        np.random.default_rng(0),
    )
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5 - SIDE / 2
    inner = np.hypot(x, y) < 0.9 * SIDE / 2
    assert np.abs(clean[inner].astype(int) - drawn[inner]).max() <= 1


def test_film_gives_picture_and_visibility(renderer: Renderer) -> None:
    take = take_of(renderer.body, "gesture")
    image, visible = film(take, 3, renderer, np.random.default_rng(0))
    assert image.shape == (SIDE, SIDE, 3)
    assert image.dtype == np.uint8
    assert visible.shape == (15,)
    assert visible.any()


def test_without_opengl_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise Exception("libEGL.so not loaded")

    monkeypatch.setattr(moderngl, "create_context", refuse)
    with pytest.raises(EgoposeError, match="libegl1 and libgl1-mesa-dri") as raised:
        Renderer(canonical_lens(64))
    assert "\n" not in str(raised.value)


def slowly(take: Take, shutter_s: float) -> Take:
    return replace(take, sensor=replace(CLEAN, shutter_s=shutter_s))


def fastest(take: Take) -> int:
    return max(range(1, len(take) - 1), key=lambda f: np.linalg.norm(take.joints_m[f + 1] - take.joints_m[f - 1]))


def test_what_moves_while_the_shutter_is_open_is_blurred_along_its_way(renderer: Renderer) -> None:
    take = take_of(renderer.body, "gesture")
    frame = fastest(take)
    sharp = draw(renderer, take, frame).image
    slow = slowly(take, 1.5 * take.motion.dt_s)
    pixels = smear(slow, frame, renderer.view)
    assert pixels > 2
    soft = blurred(slow, frame, renderer, sharp, shutter(slow, frame, renderer.view))
    differs = np.abs(soft.astype(int) - sharp).max(axis=2) > 12
    arms = draw(renderer, take, frame).region > 0
    assert differs.any()
    # Where only the resting room is seen, in all the pictures on the way, nothing changes but how fine its edges are.
    near = cv2.dilate(arms.astype(np.uint8), np.ones((2 * int(np.ceil(pixels)) + 3,) * 2, np.uint8)) > 0
    still = replace(slow, cameras=np.repeat(take.cameras[frame : frame + 1], len(take), 0))
    resting = blurred(still, frame, renderer, sharp, shutter(slow, frame, renderer.view))
    change = np.abs(resting.astype(int) - sharp).max(axis=2)[~near]
    assert (change > 12).mean() < 0.02
    assert change.mean() < 2


def test_the_blurred_picture_is_the_mean_light_of_its_drawings(
    renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = slowly(take_of(renderer.body, "gesture"), 0.02)
    frame = fastest(take)
    moments = shutter(take, frame, renderer.view)
    # As long before the frame as after it, and no longer than the shutter is open.
    before, after = ([share for other, share in moments if other == frame + way] for way in (-1, 1))
    assert before == after
    assert max(after) == pytest.approx(0.02 / take.motion.dt_s / 2)
    own = draw(renderer, take, frame).image
    sketches: list[np.ndarray] = []

    def sketch(*arguments: object) -> np.ndarray:
        sketches.append(Renderer.sketch(renderer, *arguments))  # type: ignore[arg-type]
        return sketches[-1]

    monkeypatch.setattr(renderer, "sketch", sketch)
    soft = blurred(take, frame, renderer, own, moments)
    assert len(sketches) == len(moments)
    light = np.stack([own, *sketches]).astype(float) ** 2
    np.testing.assert_allclose(soft, np.sqrt(light.mean(axis=0)), atol=0.51)


def test_what_is_still_is_drawn_once(renderer: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
    take = take_of(renderer.body, "gesture")
    frames = np.full(len(take), 3)
    held = slowly(replace(take, cameras=take.cameras[frames], joints_m=take.joints_m[frames]), 0.02)
    sharp = draw(renderer, take, 3).image

    def refuse(*_: object) -> None:
        raise AssertionError("drawn again")

    monkeypatch.setattr(renderer, "sketch", refuse)
    for quick in (take, held):  # a shutter that takes no time, and one that nothing moves before
        assert shutter(quick, 3, renderer.view) == []
        assert blurred(quick, 3, renderer, sharp, []) is sharp


def test_a_sketch_shows_what_the_picture_shows(renderer: Renderer) -> None:
    take = in_tiles(take_of(renderer.body, "reach", seed=2))
    for frame in (0, 20):
        fine = draw(renderer, take, frame).image.astype(int)
        sketch = renderer.sketch(take.scene, take.posed, frame, take.cameras[frame])
        assert sketch.shape == fine.shape
        # Their edges differ, which are few.
        assert np.abs(cv2.blur(sketch, (5, 5)).astype(int) - cv2.blur(fine.astype(np.uint8), (5, 5))).mean() < 2


def test_a_sketch_borrows_shadows_of_its_own_scene_alone(renderer: Renderer) -> None:
    take, other = take_of(renderer.body, "reach", seed=2), take_of(renderer.body, "squat", seed=1)

    def sketch() -> np.ndarray:
        return renderer.sketch(take.scene, take.posed, 0, take.cameras[0])

    draw(renderer, take)
    borrowed = sketch()
    draw(renderer, other)
    np.testing.assert_array_equal(sketch(), borrowed)
    cast = Cast(take.scene, take.posed.positions[0])
    texel = 2 * REACH_M / SHADOW_SIDE
    moved = take.posed.positions[0].copy()
    moved[5, 1] += 0.9 * texel
    assert cast.serves(take.scene, moved)
    moved[5, 1] += 0.2 * texel
    assert not cast.serves(take.scene, moved)
    assert not cast.serves(other.scene, take.posed.positions[0])


@pytest.mark.parametrize("lens", [canonical_lens(64), lens_of(fit_camera(load_camera("sceneego"), (64, 48)))])
def test_the_shaders_tables_of_the_lens_undo_one_another(lens: Lens) -> None:
    there, back = lens_table(lens), unlens_table(lens)
    n = len(back)
    radii = (np.arange(n) + 0.5) / n
    np.testing.assert_allclose(np.hypot(*back.T), 1, atol=1e-6)
    angles = np.arctan2(*back.T)
    assert angles[-1] == pytest.approx(lens.end_angle, rel=1e-3)
    again = np.interp(angles, (np.arange(n) + 0.5) / n * 2 * lens.end_angle, there[:, 0])
    np.testing.assert_allclose(again, radii, atol=1e-3)


def test_what_is_thin_is_not_cut_across() -> None:
    leg = placed(np.zeros(3), np.array([0.05, 0.3, 0.05]))
    assert steps(Form.BOX, leg) == (1, 6, 1)
    assert len(solid(Form.BOX, (1, 6, 1))[2]) == 2 * (2 * 1 * 1 + 2 * 6 + 2 * 6)
    assert steps(Form.BALL, leg) == (6, 6, 6)


@pytest.mark.parametrize(("form", "cut"), [*((form, (6, 6, 6)) for form in Form), (Form.BOX, (1, 6, 2))])
def test_a_solid_shows_its_outside_alone(form: Form, cut: tuple[int, int, int]) -> None:
    points, normals, faces = solid(form, cut)
    a, b, c = points[faces].transpose(1, 0, 2)
    outward = np.einsum("ij,ij->i", np.cross(b - a, c - a), normals[faces].mean(axis=1))
    # At the poles of a ball and the centres of caps triangles have no area.
    assert (outward >= -1e-12).all()
    assert (outward > 1e-6).mean() > 0.8
