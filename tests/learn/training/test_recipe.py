"""Recipes: the bundled ones hold, and what does not hold is told in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import EgoposeError
from engine.learn.training.keeping import build
from engine.learn.training.recipe import Stage, bundled_recipes, load_recipe


@pytest.mark.parametrize("name", bundled_recipes())
def test_every_bundled_recipe_holds(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.stages
    build(recipe, 64)


def test_the_published_order_and_losses() -> None:
    published = load_recipe("published")
    assert [stage.learns for stage in published.stages] == ["heatmaps", "pose"]
    # Means over 14 bones where the paper sums over them.
    assert published.losses.bone_length_squared == pytest.approx(0.1 * 14)
    assert published.losses.bone_direction == pytest.approx(0.01 * 14)
    assert published.losses.joints == 5.0


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "at least one"),
        ("stage = 3", "written as"),
        ("[[stage]]\nname = 'a'\npictures = 0", "pictures must be 1 or more"),
        ("[[stage]]\nname = 'a'\npictures = 'many'", "pictures must be a number"),
        ("[[stage]]\nname = 'a'\npictures = 5\nlearns = 'all'", "learns must be one of"),
        ("[[stage]]\nname = 'a'\npictures = 5\nside = 100", "multiple of 32"),
        ("[[stage]]\nname = 'a'\npictures = 5\nspeed = 1", "speed is not known"),
        ("[[stage]]\npictures = 5", "name"),
        ("[network]\nsize = 'huge'\n[[stage]]\nname = 'a'\npictures = 5", "size must be one of"),
        ("[network]\nstreams = 'motion'\n[[stage]]\nname = 'a'\npictures = 5", "no bearings"),
        ("[losses]\njoint = 5.0\n[[stage]]\nname = 'a'\npictures = 5", "joint is not known"),
        ("architecture = 'other'\n[[stage]]\nname = 'a'\npictures = 5", "egopose or published"),
        ("[[stage]]\nname = 'a'\npictures = 5\n[[stage]]\nname = 'a'\npictures = 5", "one name"),
        ("[network]\nstreams = 'spatial'\n[[stage]]\nname = 'a'\npictures = 5\nrenews_motion = true", "own temporal"),
        ("architecture = 'published'\n[[stage]]\nname = 'a'\npictures = 5\nrenews_motion = true", "own temporal"),
        ("not toml at all", "does not hold"),
    ],
)
def test_a_recipe_that_does_not_hold_is_told(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "r.toml"
    path.write_text(text)
    with pytest.raises(EgoposeError, match=what) as caught:
        load_recipe(str(path))
    assert "\n" not in str(caught.value)


def test_a_recipe_that_is_not_there_names_the_bundled_ones() -> None:
    with pytest.raises(EgoposeError, match="bundled: base, "):
        load_recipe("tiny")


@pytest.mark.parametrize(
    ("pictures", "epoch", "epochs", "steps"), [(640, 160, 4, 20), (100, 20, 6, 3), (5, 1000, 1, 1), (1000, 300, 3, 42)]
)
def test_a_stage_is_divided_evenly(pictures: int, epoch: int, epochs: int, steps: int) -> None:
    stage = Stage("s", pictures, batch=4, window=2, epoch=epoch)
    assert (stage.epochs, stage.steps_per_epoch) == (epochs, steps)
    assert pictures <= stage.epochs * stage.steps_per_epoch * 8 < pictures + 8 * (epochs + 1)
