"""What a training was asked for, told as a command and kept as what decides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from core.base.providers import Precision, ProviderWish
from core.training.recipes import plan_of
from core.training.request import Recipe, TrainRequest
from core.training.training_data import backbone_of
from tests import teaching

ASKED = TrainRequest(Path("pets"), "mine", 0.15, 0.15, 0, ProviderWish.CPU, Precision.AUTO, recipe=Recipe.FINE_TUNE)


def test_the_command_makes_the_model_again() -> None:
    assert "--no-augmentation" not in ASKED.told_command
    assert "--no-augmentation" in replace(ASKED, augment=False).told_command
    assert "--no-augmentation" not in replace(ASKED, augment=False, recipe=Recipe.DENSE).told_command


def test_augmentation_decides_what_fine_tuning_learns_and_nothing_else(tmp_path: Path) -> None:
    backbone = backbone_of(teaching.make_library(tmp_path))
    plain = replace(ASKED, augment=False)
    assert plan_of(ASKED, backbone) != plan_of(plain, backbone)
    dense = (replace(asked, recipe=Recipe.DENSE) for asked in (ASKED, plain))
    first, second = (plan_of(asked, backbone) for asked in dense)
    assert first == second
