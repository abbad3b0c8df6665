"""The loss: right where the answer is right, and blind where there is nothing to see."""

from __future__ import annotations

import torch

from engine.learn.losses import HIDDEN_HEIGHT, LossWeights, Target, bones, heatmap_target, loss_terms, weighted
from engine.network.network import NetworkOutput
from engine.skeleton import BONES


def target(length: int = 3) -> Target:
    generator = torch.Generator().manual_seed(0)
    joints = torch.rand(1, length, 15, 3, generator=generator)
    uv = torch.rand(1, length, 15, 2, generator=generator) * 0.4 + 0.3
    return Target(joints, uv, torch.ones(1, length, 15, dtype=torch.bool), torch.zeros(1, length, dtype=torch.long))


def right_answer(t: Target, side: int = 48) -> NetworkOutput:
    wanted = heatmap_target(t.uv, t.visible, side)
    actions = torch.tensor([50.0, 0.0]).expand(*t.action.shape, 2)
    return NetworkOutput(
        t.joints.clone(), wanted.clamp(1e-4, 1 - 1e-4).logit(), t.uv.clone(), t.visible.float(), actions
    )


def test_the_right_answer_costs_nothing_where_it_can() -> None:
    t = target()
    terms = loss_terms(right_answer(t), t)
    assert set(terms) == set(LossWeights.__dataclass_fields__)
    for name in ("uv", "joints", "bone_length", "bone_direction", "velocity", "acceleration", "action"):
        assert float(terms[name]) < 1e-5, name


def test_each_error_raises_its_own_term() -> None:
    t = target()
    right = right_answer(t)
    base = loss_terms(right, t)
    moved = loss_terms(right._replace(joints=right.joints + torch.tensor([0.1, 0.0, 0.0])), t)
    assert torch.isclose(moved["joints"], torch.tensor(0.1), atol=1e-5)
    assert torch.isclose(moved["bone_length"], base["bone_length"], atol=1e-6)
    assert torch.isclose(moved["velocity"], base["velocity"], atol=1e-6)
    grown = loss_terms(right._replace(joints=right.joints * 1.1), t)
    assert torch.isclose(grown["bone_length"], 0.1 * bones(t.joints).norm(dim=-1).mean(), rtol=1e-4)
    assert float(grown["bone_direction"]) < 1e-5
    shaken = right.joints.clone()
    shaken[:, 1] += 0.05
    trembling = loss_terms(right._replace(joints=shaken), t)
    assert float(trembling["velocity"]) > 0.08
    assert float(trembling["acceleration"]) > 0.16
    drifting = right.joints + 0.05 * torch.arange(3.0)[:, None, None]
    drifted = loss_terms(right._replace(joints=drifting), t)
    assert torch.isclose(drifted["velocity"], torch.tensor(0.05 * 3**0.5), atol=1e-5)
    assert float(drifted["acceleration"]) < 1e-5
    assert float(loss_terms(right._replace(logits=-right.logits), t)["heatmap"]) > 10 * float(base["heatmap"])


def test_a_heatmap_target_says_visible_hidden_and_outside() -> None:
    uv = torch.tensor([[[0.5 + 0.5 / 48, 0.5 + 0.5 / 48]] * 15])
    uv[0, 2] = torch.tensor([1.2, 0.5])
    uv[0, 3] = torch.tensor([0.02, 0.02])
    visible = torch.ones(1, 15, dtype=torch.bool)
    visible[0, 1:4] = False
    maps = heatmap_target(uv, visible, 48)
    peaks = maps.flatten(2).amax(-1)[0]
    assert torch.isclose(peaks[0], torch.tensor(1.0))
    assert torch.isclose(peaks[1], torch.tensor(HIDDEN_HEIGHT))
    assert float(peaks[2]) == 0.0
    # In the square's corner but outside the lens's circle: nothing can be seen there either.
    assert float(peaks[3]) == 0.0
    assert maps[0, 0].argmax() == 24 * 48 + 24


def test_a_joint_outside_pulls_at_no_peak() -> None:
    t = target()
    t.uv[..., 5, :] = 1.4
    right = right_answer(t)
    uv = right.uv.clone()
    uv[..., 5, :] = 0.1
    assert float(loss_terms(right._replace(uv=uv), t)["uv"]) < 1e-6


def test_bones_run_from_parent_to_child() -> None:
    joints = torch.rand(2, 15, 3)
    vectors = bones(joints)
    for index, (parent, child) in enumerate(BONES):
        assert torch.equal(vectors[:, index], joints[:, child] - joints[:, parent])


def test_single_pictures_have_no_motion_terms() -> None:
    t = target(1)
    terms = loss_terms(right_answer(t), t)
    assert not {"velocity", "acceleration"} & set(terms)
    assert weighted(terms, LossWeights()).isfinite()
