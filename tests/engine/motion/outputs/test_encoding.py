"""What is sent, decoded by a library that is not ours and led back to the pose by another way."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from scipy.spatial.transform import Rotation

from engine.motion.kinematics import BONE_NAMES, BONE_PARENTS
from engine.motion.outputs.choice import Address
from engine.motion.outputs.document import VERSION, document, encoded
from engine.motion.outputs.lsl import CHANNELS, sample
from engine.motion.outputs.osc import MAX_DATAGRAM, Message, bundles
from engine.motion.outputs.unity import unity_euler_degrees
from engine.motion.outputs.vmc import VMCOutput
from engine.motion.outputs.vrchat import VRChatOutput
from engine.skeleton import JOINTS
from tests.engine.motion.outputs.sending import body_at, decoded, pose_at, pose_of

SEEDS = st.integers(0, 2**31)
HERE = Address("127.0.0.1", 9000)
FLOAT32 = 2e-6
TO_UNITY = np.diag([-1.0, 1.0, 1.0])
"""The documented conversion: x changes its sign."""


def to_unity(rotation: Rotation) -> Rotation:
    """By matrices: the mirror on both sides."""
    return Rotation.from_matrix(TO_UNITY @ rotation.as_matrix() @ TO_UNITY)


def apart(one: Rotation, other: Rotation) -> float:
    """Radians."""
    return float((one.inv() * other).magnitude())


@given(st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=20), st.integers(0, 6))
def test_messages_are_byte_for_byte_those_of_another_library(text: str, floats: int) -> None:
    values = [0.5 * number - 1.25 for number in range(floats)]
    ours = Message("/an/address", text, numbers="f" * floats).pack(values)
    builder = OscMessageBuilder("/an/address")
    builder.add_arg(text, "s")
    for value in values:
        builder.add_arg(value, "f")
    theirs = builder.build()
    assert ours == theirs.dgram
    bundle = OscBundleBuilder(0)
    bundle.add_content(theirs)
    bundle.add_content(theirs)
    (made,) = bundles([ours, ours])
    assert made[16:] == bundle.build().dgram[16:]
    assert made[:16] == b"#bundle\0" + b"\0" * 7 + b"\1"


@given(st.lists(st.integers(1, 2000), max_size=60))
def test_bundles_keep_order_and_size(lengths: list[int]) -> None:
    messages = [Message("/m", "x" * length, numbers="i").pack([number]) for number, length in enumerate(lengths)]
    made = bundles(messages)
    assert [values[1] for datagram in made for _, values in decoded(datagram)] == list(range(len(lengths)))
    assert all(len(datagram) <= MAX_DATAGRAM or len(decoded(datagram)) == 1 for datagram in made)


@given(SEEDS)
@settings(max_examples=50)
def test_vrchat_trackers_are_where_the_body_is(seed: int) -> None:
    body = body_at(seed)
    (datagram,) = VRChatOutput(HERE).datagrams(pose_of(body))
    messages = dict(decoded(datagram))
    places = {"1": "hips", "2": "chest", "3": "left_foot", "4": "right_foot", "5": "left_lower_leg",
              "6": "right_lower_leg", "7": "left_lower_arm", "8": "right_lower_arm", "head": "head"}  # fmt: skip
    turned = {"5": "left_upper_leg", "6": "right_upper_leg", "7": "left_upper_arm", "8": "right_upper_arm"}
    assert set(messages) == {
        f"/tracking/trackers/{name}/{what}" for name in places for what in ("position", "rotation")
    }
    for name, place in places.items():
        position = messages[f"/tracking/trackers/{name}/position"]
        assert position == pytest.approx(TO_UNITY @ body.positions_m[BONE_NAMES.index(place)], abs=FLOAT32)
        x, y, z = messages[f"/tracking/trackers/{name}/rotation"]
        # Unity: about z, then x, then y, all about fixed axes.
        heard = Rotation.from_euler("zxy", [z, x, y], degrees=True)
        strapped = BONE_NAMES.index(turned.get(name, place))
        assert apart(heard, to_unity(Rotation.from_matrix(body.world_rotations[strapped]))) < 1e-4


@pytest.mark.parametrize("x", [90.0, -90.0, 89.9999, -89.9999, 0.0])
@pytest.mark.parametrize("y", [0.0, 35.0, 180.0])
def test_angles_hold_where_two_axes_fall_together(x: float, y: float) -> None:
    turn = Rotation.from_euler("zxy", [20.0, x, y], degrees=True)
    ours = Rotation.from_matrix(TO_UNITY @ turn.as_matrix() @ TO_UNITY)
    angles = unity_euler_degrees(ours.as_matrix()[None])[0]
    assert np.isfinite(angles).all()
    assert apart(Rotation.from_euler("zxy", [angles[2], angles[0], angles[1]], degrees=True), turn) < 1e-6


@given(SEEDS)
@settings(max_examples=50)
def test_vmc_bones_lead_back_to_the_joints(seed: int) -> None:
    body = body_at(seed)
    datagrams = VMCOutput(HERE).datagrams(pose_of(body))
    assert all(len(datagram) <= MAX_DATAGRAM for datagram in datagrams)
    messages = [message for datagram in datagrams for message in decoded(datagram)]
    assert ("/VMC/Ext/OK", [1]) in messages
    assert ("/VMC/Ext/Root/Pos", ["root", 0, 0, 0, 0, 0, 0, 1]) in messages
    assert any(address == "/VMC/Ext/T" and values[0] >= 0 for address, values in messages)
    bones = {values[0]: values[1:] for address, values in messages if address == "/VMC/Ext/Bone/Pos"}
    names = [name.title().replace("_", "") for name in BONE_NAMES]
    assert list(bones) == names
    # As Unity does it with a hierarchy of transforms, in its left-handed world.
    places: dict[int, np.ndarray] = {}
    turns: dict[int, Rotation] = {}
    for bone, parent in enumerate(BONE_PARENTS):
        x, y, z, *quaternion = bones[names[bone]]
        local, turn = np.array([x, y, z]), Rotation.from_quat(quaternion)
        places[bone] = local if parent < 0 else places[parent] + turns[parent].apply(local)
        turns[bone] = turn if parent < 0 else turns[parent] * turn
        assert places[bone] == pytest.approx(TO_UNITY @ body.positions_m[bone], abs=1e-5)
        assert apart(turns[bone], to_unity(Rotation.from_matrix(body.world_rotations[bone]))) < 1e-5


@given(SEEDS)
@settings(max_examples=25)
def test_the_document_says_what_the_pose_says(seed: int) -> None:
    body = body_at(seed)
    pose = replace(pose_of(body, 7), lag_ns=12_345_678)
    before = time.time() - (time.monotonic_ns() - body.capture_ns) / 1e9
    text = encoded(pose)
    assert text is not None
    assert len(text) < 6000
    heard = json.loads(text)
    assert (heard["format"], heard["version"], heard["seq"]) == ("egopose", VERSION, 7)
    assert heard["time"]["capture_ns"] == body.capture_ns
    assert heard["time"]["unix"] == pytest.approx(before, abs=0.05)
    assert heard["time"]["filter_lag_ms"] == 12.346
    assert tuple(heard["joints"]) == JOINTS
    assert tuple(heard["bones"]) == BONE_NAMES
    joints = [heard["joints"][name]["position"] for name in JOINTS]
    assert np.array(joints) == pytest.approx(body.joints_m, abs=5.1e-6)
    assert [heard["joints"][name]["confidence"] for name in JOINTS] == pytest.approx(pose.confidence, abs=5.1e-4)
    for bone, name in enumerate(BONE_NAMES):
        assert heard["bones"][name]["position"] == pytest.approx(body.positions_m[bone], abs=5.1e-6)
        assert heard["bones"][name]["rotation"] == pytest.approx(body.rotations[bone], abs=5.1e-7)


def test_numbers_that_are_not_known_are_null_and_small_ones_are_plain() -> None:
    body = body_at(1)
    root = body.root_m.copy()
    root[:] = np.nan, 1e-17, -1e-17
    text = encoded(pose_of(replace(body, root_m=root)))
    assert text is not None
    assert json.loads(text)["bones"]["hips"]["position"] == [None, 0.0, 0.0]
    assert "-0.0," not in text
    assert "NaN" not in text
    assert "e-" not in text.lower().replace("one-", "")


def test_a_pose_without_a_body_is_not_sent() -> None:
    pose = pose_of(None)
    assert document(pose) is None
    assert sample(pose) is None
    assert VMCOutput(HERE).datagrams(pose) == VRChatOutput(HERE).datagrams(pose) == []


def test_lsl_channels_have_the_numbers_that_their_labels_say() -> None:
    pose = pose_at(3)
    values = sample(pose)
    assert values is not None
    assert pose.body is not None
    by_label = dict(zip((label for label, _, _ in CHANNELS), values.tolist(), strict=True))
    assert len(by_label) == len(CHANNELS) == 147
    assert [by_label[f"left_knee_{axis}"] for axis in "xyz"] == pytest.approx(
        pose.body.joints_m[JOINTS.index("left_knee")]
    )
    assert by_label["left_foot_confidence"] == 1.0
    assert [by_label[f"root_{axis}"] for axis in "xyz"] == pytest.approx(pose.body.root_m)
    head = BONE_NAMES.index("head")
    assert [by_label[f"head_rotation_{axis}"] for axis in "xyzw"] == pytest.approx(pose.body.rotations[head])
