"""The network's design: streaming equals the window, it is causal, and each published fault is gone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from calib.canonical import canonical_angle_table, canonical_bearings
from engine.network.config import BASE, SMALL, NetworkConfig
from engine.network.fusion import BearingHead, Past, Steadier
from engine.network.network import PoseNetwork
from engine.network.resnet import resnet18, resnet50
from engine.network.spatial import POSITIVE_WEIGHT, find_peaks, heat

SIDE = 64
ACTIONS = ("stand", "walk", "other")


def make(config: NetworkConfig, seed: int = 0) -> PoseNetwork:
    torch.manual_seed(seed)
    network = PoseNetwork(replace(config, side=SIDE, actions=ACTIONS), torch.from_numpy(canonical_angle_table(512)))
    for parameter in network.temporal.parameters():
        # Fresh layer scales are so small that a leak through them would pass unseen.
        if parameter.ndim == 1:
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    if isinstance(network.head, BearingHead) and network.head.steadier is not None:
        # It begins by taking nothing of the past.
        torch.nn.init.normal_(network.head.steadier.last.weight, std=0.05)
    return network.eval().requires_grad_(False)


def pictures(count: int, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (1, count, SIDE, SIDE, 3), dtype=torch.uint8, generator=generator)


REMEMBERING = replace(SMALL, name="remembering", token_window=6)
ALONE = replace(SMALL, token_window=1)
NO_PAST = Past(torch.empty(1, 0, 15, SMALL.joint_dim), torch.empty(1, 0, 15, 2), torch.empty(1, 0, dtype=torch.bool))


@pytest.mark.parametrize("config", [SMALL, BASE, REMEMBERING], ids=lambda c: c.name)
@pytest.mark.parametrize("length", [16, 32, 64])
def test_the_stream_gives_what_the_window_gives(config: NetworkConfig, length: int) -> None:
    network, frames = make(config), pictures(length)
    whole = network.forward_window(frames)
    memory = network.empty_memory(window=length)
    for t in range(length):
        one, memory = network.step(frames[:, t], memory)
        for ours, theirs in zip(one, whole, strict=True):
            assert torch.allclose(ours, theirs[:, t], atol=1e-5), t


@pytest.mark.parametrize("config", [SMALL, REMEMBERING, replace(BASE, spatial_width=16)], ids=lambda c: c.name)
def test_what_follows_the_encoders_can_run_on_what_they_said(config: NetworkConfig) -> None:
    network, frames = make(config), pictures(6)
    whole = network.forward_window(frames)
    joints, actions = network.follow(network.encode(frames))
    assert torch.allclose(joints, whole.joints, atol=1e-6)
    assert torch.allclose(actions, whole.action_logits, atol=1e-6)


@pytest.mark.parametrize("config", [SMALL, BASE, REMEMBERING], ids=lambda c: c.name)
def test_the_future_changes_nothing(config: NetworkConfig) -> None:
    network, frames = make(config), pictures(12)
    other = frames.clone()
    other[:, 8:] = pictures(4, seed=2)
    before, after = network.forward_window(frames), network.forward_window(other)
    assert torch.equal(before.joints[:, :8], after.joints[:, :8])
    assert not torch.equal(before.joints[:, 8:], after.joints[:, 8:])


def test_the_past_matters_and_neighbouring_frames_differ() -> None:
    network = make(SMALL)
    frames = pictures(12)
    feature = torch.randn(1, 12, network.config.motion_dim)
    valid = torch.ones(1, 12, dtype=torch.bool)
    motion = network.temporal(feature, valid)
    assert (motion.diff(dim=1).norm(dim=-1) > 1e-2).all()
    other = frames.clone()
    other[:, 0] = 0
    assert not torch.allclose(network.forward_window(frames).joints[:, -1], network.forward_window(other).joints[:, -1])


def test_the_tokens_of_the_frames_before_reach_the_pose_and_no_older_ones() -> None:
    network, frames = make(REMEMBERING), pictures(10)
    network.fusion.motion.requires_grad_(False).weight.zero_()  # leaves the tokens as the only way
    newest = network.forward_window(frames).joints[:, -1]
    for t, matters in ((3, False), (4, True), (8, True)):
        other = frames.clone()
        other[:, t] = 0
        changed = not torch.allclose(network.forward_window(other).joints[:, -1], newest, atol=1e-7)
        assert changed is matters, t


def test_the_stream_forgets_what_left_the_window() -> None:
    network = make(SMALL)
    frames = pictures(20)
    memory = network.empty_memory(window=8)
    for t in range(20):
        output, memory = network.step(frames[:, t], memory)
    assert torch.allclose(output.joints, network.forward_window(frames[:, 12:]).joints[:, -1], atol=1e-5)


@pytest.mark.parametrize("length", [1, 2, 16, 33, 128])
def test_any_window_length_runs(length: int) -> None:
    network = make(SMALL)
    motion = network.temporal(
        torch.randn(2, length, network.config.motion_dim), torch.ones(2, length, dtype=torch.bool)
    )
    assert motion.shape == (2, length, network.config.motion_dim)
    assert motion.isfinite().all()


def test_joint_identity_reaches_the_pose() -> None:
    """Exchanging two joints' tokens must not merely exchange memory slots: the published fusion could not tell."""
    network = make(ALONE)
    spatial, _ = network.see(pictures(1)[0])
    motion = torch.zeros(1, network.config.motion_dim)
    swapped = list(range(15))
    swapped[3], swapped[6] = 6, 3
    bare = spatial.tokens - network.spatial.identity
    exchanged = bare[:, swapped] + network.spatial.identity
    straight = network.fusion(spatial.tokens, motion, NO_PAST)
    assert torch.allclose(network.fusion(spatial.tokens[:, swapped], motion, NO_PAST), straight, atol=1e-5)
    assert not torch.allclose(network.fusion(exchanged, motion, NO_PAST), straight, atol=1e-4)


def test_every_parameter_of_the_network_learns() -> None:
    network = make(SMALL).requires_grad_(True)
    output = network.forward_window(pictures(3))
    (output.joints.square().sum() + output.action_logits.square().sum() + output.logits.sum()).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


def test_encoders_have_torchvisions_names_and_sizes() -> None:
    names18, names50 = set(resnet18().state_dict()), set(resnet50().state_dict())
    assert {
        "conv1.weight",
        "bn1.running_mean",
        "layer1.0.conv1.weight",
        "layer2.0.downsample.0.weight",
        "layer4.1.bn2.bias",
    } <= names18
    assert {"layer1.0.conv3.weight", "layer1.0.downsample.1.running_var", "layer3.5.bn3.weight"} <= names50
    # Published counts of the two encoders without their classifiers.
    assert sum(p.numel() for p in resnet18().parameters()) == 11_689_512 - 513_000
    assert sum(p.numel() for p in resnet50().parameters()) == 25_557_032 - 2_049_000


def test_a_new_temporal_stream_hears_what_tells_pictures_apart() -> None:
    network = make(ALONE)
    channels = network.motion.project.in_features
    # As an encoder's averages are: nearly the same in all pictures.
    summaries = 0.5 + 0.01 * torch.randn(200, channels, generator=torch.Generator().manual_seed(3))
    assert network.motion.feature(summaries).std(0).mean() < 0.1
    network.begin_motion(summaries)
    assert network.motion.feature(summaries).std(0).mean() > 0.9
    motion = network.temporal(network.motion.feature(summaries).view(10, 20, -1), torch.ones(10, 20, dtype=torch.bool))
    assert motion.std((0, 1)).mean() > 0.5
    # A channel that never speaks is not blown up.
    summaries[:, 0] = 0.3
    network.begin_motion(summaries)
    assert network.motion.project.weight.isfinite().all()


def test_base_gives_the_published_heatmap_size() -> None:
    assert BASE.heatmap_side == 64


def test_soft_argmax_finds_a_gaussian_to_a_hundredth_of_a_cell() -> None:
    side, at = 48, torch.tensor([0.37, 0.61])
    centres = (torch.arange(side) + 0.5) / side
    squares = (centres[None, :] - at[0]) ** 2 + (centres[:, None] - at[1]) ** 2
    sigma = 2 / side
    peaks = find_peaks((-squares / (2 * sigma**2))[None, None], torch.tensor(1.0))
    assert torch.allclose(peaks.uv[0, 0], at, atol=0.01 / side)
    assert float(peaks.spread) == pytest.approx(sigma * 2**0.5, rel=1e-2)


def test_heat_takes_out_what_training_weighed_in() -> None:
    """The logit that minimises the weighted loss for a target of 0.3 must show as a heat of 0.3."""
    logit = torch.zeros((), requires_grad=True)
    optimiser = torch.optim.LBFGS([logit], max_iter=50)
    weight = torch.tensor(POSITIVE_WEIGHT)

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = torch.nn.functional.binary_cross_entropy_with_logits(logit, torch.tensor(0.3), pos_weight=weight)
        value.backward()
        return value

    optimiser.step(loss)
    assert float(heat(logit.detach())) == pytest.approx(0.3, abs=1e-4)


def test_the_bearing_head_lifts_along_the_calibrated_lens() -> None:
    network = make(SMALL)
    uv = torch.rand(1, 15, 2) * 0.9 + 0.05
    expected = canonical_bearings(uv.numpy().astype(np.float64))
    assert np.allclose(network.head.bearings(uv).numpy(), expected, atol=1e-4)
    assert torch.allclose(network.head.bearings(torch.full((1, 1, 2), 0.5)), torch.tensor([0.0, 0.0, 1.0]), atol=1e-5)


def test_a_steadier_begins_by_changing_nothing_and_is_a_filter_of_the_known_frames() -> None:
    torch.manual_seed(0)
    steadier = Steadier(width=8, frames=3).requires_grad_(False)
    reads, tokens, uv = torch.randn(2, 15, 12), torch.randn(2, 15, 8), torch.rand(2, 15, 2)
    known = torch.tensor([[False, True, True], [True, True, True]])
    past = Past(torch.randn(2, 3, 15, 8), torch.rand(2, 3, 15, 2), known)
    now, before = steadier.distance(tokens), steadier.distance(past.tokens)
    assert not any(change.any() for change in steadier(reads, tokens, uv, past))
    across, along = torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0.3, 0.0, -0.1])
    steadier.last.bias.copy_(torch.stack([across, along], -1).flatten())
    aside, further = steadier(reads, tokens, uv, past)
    peaks, distance = uv + aside, now + further
    assert torch.allclose(peaks[0], 0.5 * uv[0] + 0.2 * past.uv[0, 1] + 0.3 * past.uv[0, 2], atol=1e-6)
    assert torch.allclose(peaks[1], 0.4 * uv[1] + (across[:, None, None] * past.uv[1]).sum(0), atol=1e-6)
    assert torch.allclose(distance[0], 1.1 * now[0] - 0.1 * before[0, 2], atol=1e-6)
    assert torch.allclose(distance[1], 0.8 * now[1] + (along[:, None, None] * before[1]).sum(0), atol=1e-6)


def test_where_a_joint_peaked_moves_its_bearing_alone() -> None:
    network = make(REMEMBERING)
    assert isinstance(network.head, BearingHead)
    x, tokens = torch.randn(1, 15, SMALL.joint_dim), torch.randn(1, 15, SMALL.joint_dim)
    peaks = find_peaks(torch.randn(1, 15, 16, 16), torch.tensor(8.0))
    past = (tokens.expand(5, -1, -1)[None], peaks.uv.expand(5, -1, -1)[None], torch.ones(1, 5, dtype=torch.bool))
    still = Past(*past)
    network.head.last.weight[1:] = 0.0  # no free offset
    came = still._replace(uv=still.uv + 0.05)
    rested, moved = (network.head(x, tokens, peaks, one) for one in (still, came))
    assert torch.allclose(rested.norm(dim=-1), moved.norm(dim=-1), atol=1e-5)
    assert not torch.allclose(rested, moved, atol=1e-3)
    assert torch.allclose(network.head(x, tokens, peaks, came._replace(known=~came.known)), rested, atol=1e-5)


ABLATIONS = {
    "spatial": {"streams": "spatial", "actions": ()},
    "motion": {"streams": "motion", "head": "free"},
    "no identity": {"joint_identity": False},
    "no cross-attention": {"cross_attention": False},
    "free head": {"head": "free"},
    "no full-rate path": {"temporal_dilations": (2, 2, 4, 8)},
}


def ablated(name: str, whole: NetworkConfig = SMALL) -> PoseNetwork:
    config = replace(whole, side=SIDE, **({"actions": ACTIONS} | ABLATIONS[name]))
    torch.manual_seed(0)
    return PoseNetwork(config, torch.from_numpy(canonical_angle_table(512)))


@pytest.mark.parametrize("name", ABLATIONS)
def test_every_part_can_be_switched_off(name: str) -> None:
    network = ablated(name).eval()
    frames = pictures(4)
    whole = network.forward_window(frames)
    memory = network.empty_memory(window=4)
    for t in range(4):
        one, memory = network.step(frames[:, t], memory)
        assert torch.allclose(one.joints, whole.joints[:, t], atol=1e-5)
    whole.joints.square().sum().backward()
    assert network.head.last.weight.grad is not None


def test_the_spatial_stream_alone_forgets_the_past_and_the_motion_alone_sees_no_heatmap() -> None:
    frames = pictures(4)
    other = torch.cat([pictures(3, seed=2), frames[:, 3:]], 1)
    spatial = ablated("spatial").eval()
    assert torch.allclose(spatial.forward_window(frames).joints[:, 3], spatial.forward_window(other).joints[:, 3])
    motion = ablated("motion").eval()
    before = motion.forward_window(frames).joints
    torch.nn.init.normal_(motion.spatial.head.weight)
    assert torch.equal(before, motion.forward_window(frames).joints)


def test_without_identity_the_tokens_can_be_exchanged_unnoticed() -> None:
    """The published fault, kept as a switch: the order of the tokens changes nothing."""
    network = ablated("no identity", ALONE).eval()
    spatial, feature = network.see(pictures(1)[0])
    order = torch.randperm(15, generator=torch.Generator().manual_seed(0))
    straight = network.fusion(spatial.tokens, feature, NO_PAST)
    assert torch.allclose(network.fusion(spatial.tokens[:, order], feature, NO_PAST), straight, atol=1e-5)


@pytest.mark.parametrize("head", ["bearing", "free"])
def test_training_begins_at_the_mean_pose(head: str) -> None:
    network = make(replace(SMALL, head=head))
    mean = torch.rand(15, 3) + 0.2
    network.head.begin_at(mean)
    torch.nn.init.zeros_(network.head.last.weight)
    torch.nn.init.zeros_(network.head.last.bias)
    joints = network.forward_window(pictures(1)).joints[0, 0]
    if head == "free":
        assert torch.allclose(joints, mean)
    else:
        assert torch.allclose(joints.norm(dim=-1), mean.norm(dim=-1), atol=1e-5)


def test_a_network_that_was_taught_no_actions_names_none() -> None:
    network = PoseNetwork(replace(SMALL, side=SIDE, actions=()), torch.from_numpy(canonical_angle_table(512))).eval()
    assert network.forward_window(pictures(2)).action_logits.shape == (1, 2, 0)
    assert not any(name.startswith("action") for name in network.state_dict())


def test_settings_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 32"):
        replace(SMALL, side=100)
    with pytest.raises(ValueError, match="missing or unknown"):
        NetworkConfig.from_json('{"side": 64}')
    with pytest.raises(ValueError, match="missing or unknown"):
        NetworkConfig.from_json('{"name": "x", "depth": 3}')
    with pytest.raises(ValueError, match="no bearings"):
        replace(SMALL, streams="motion")
    with pytest.raises(ValueError, match="actions are named from the motion"):
        replace(SMALL, streams="spatial", actions=ACTIONS)
    assert NetworkConfig.from_json('{"name": "x"}') == NetworkConfig("x")
    assert NetworkConfig.from_json(BASE.to_json()) == BASE
