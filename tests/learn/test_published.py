"""The published architecture: each of its faults is there, and each can be switched off by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from engine.learn.baselines.published import ALL_FAULTS, Faults, PublishedNetwork
from engine.network.config import BASE, SMALL

CONFIG = replace(SMALL, side=64, spatial_width=8, decoder="concat", motion_dim=32, joint_dim=32)


def make(**fixed: bool) -> PublishedNetwork:
    torch.manual_seed(0)
    network = PublishedNetwork(CONFIG, replace(ALL_FAULTS, **fixed)).eval().requires_grad_(False)
    for block in network.temporal.blocks:
        # Fresh layer scales of 1e-4 would hide what passes through them.
        torch.nn.init.ones_(block.attention_scale)
    return network


def pictures(count: int, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (1, count, 64, 64, 3), dtype=torch.uint8, generator=generator)


def motion(network: PublishedNetwork, frames: Tensor) -> Tensor:
    return network.temporal(network.motion.feature(network.encode(frames).summary))


def test_the_published_size_has_the_published_parameters() -> None:
    """0.155 M in the tokeniser, about 24.3 M in the frame encoder, 0.92 M in the fusion. The heatmap network is given
    as 14.44 M; the layers that are described add up to 13.85 M, and where the rest sits is not said."""
    network = PublishedNetwork(BASE)

    def millions(*modules: torch.nn.Module) -> float:
        return sum(p.numel() for module in modules for p in module.parameters()) / 1e6

    spatial = network.spatial
    assert millions(spatial.encoder, spatial.decoder, spatial.head) == pytest.approx(13.85, abs=0.01)
    assert millions(spatial.shape, spatial.project, spatial.norm) == pytest.approx(0.155, abs=0.001)
    assert millions(network.motion) == pytest.approx(24.3, abs=0.05)
    fusion = network.fusion
    trained = [module for name, module in fusion.named_children() if name != "idle"]
    assert millions(*trained) == pytest.approx(0.92, abs=0.06)


def test_fault_1_the_fusion_cannot_tell_whose_token_it_reads() -> None:
    order = torch.randperm(15, generator=torch.Generator().manual_seed(0))
    for fixed in (False, True):
        network = make(anonymous_tokens=not fixed)
        encoded = network.encode(pictures(2))
        exchanged = encoded._replace(reads=encoded.reads[:, :, order])
        same = torch.allclose(network.follow(encoded)[0], network.follow(exchanged)[0], atol=1e-6)
        assert same is not fixed


def test_fault_2_the_joint_transformer_changes_nothing() -> None:
    network = make()
    assert network.fusion.idle is not None
    encoded = network.encode(pictures(2))
    before = network.follow(encoded)[0]
    for parameter in network.fusion.idle.parameters():
        torch.nn.init.normal_(parameter)
    assert torch.equal(network.follow(encoded)[0], before)
    assert make(idle_transformer=False).fusion.idle is None


@pytest.mark.parametrize("frozen", [True, False])
def test_fault_3_the_mix_of_the_scales_is_never_trained(frozen: bool) -> None:
    torch.manual_seed(0)
    network = PublishedNetwork(CONFIG, replace(ALL_FAULTS, frozen_mix=frozen))
    network.forward_window(pictures(4)).joints.sum().backward()
    assert (network.temporal.mix.weight.grad is None) is frozen


@pytest.mark.parametrize("strided", [True, False])
def test_fault_4_neighbouring_frames_share_one_motion(strided: bool) -> None:
    network = make(strided=strided)
    moved = motion(network, pictures(16))[0]
    assert torch.equal(moved[0::2], moved[1::2]) is strided


@pytest.mark.parametrize("acausal", [True, False])
def test_fault_5_the_future_changes_the_past(acausal: bool) -> None:
    network = make(acausal=acausal, strided=False)
    frames = pictures(12)
    other = torch.cat([frames[:, :11], pictures(1, seed=2)], 1)
    before, after = motion(network, frames)[0, :11], motion(network, other)[0, :11]
    assert torch.allclose(before, after, atol=1e-6) is not acausal


@pytest.mark.parametrize("length", [1, 2, 16, 24, 64])
def test_any_window_length_runs(length: int) -> None:
    assert make().forward_window(pictures(length)).joints.shape == (1, length, 15, 3)


def test_without_its_faults_it_still_learns_everywhere() -> None:
    torch.manual_seed(0)
    network = PublishedNetwork(CONFIG, Faults(False, False, False, False, False))
    output = network.forward_window(pictures(3))
    (output.joints.square().sum() + output.logits.sum()).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []
