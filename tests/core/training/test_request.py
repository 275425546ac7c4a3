"""Training requests as a command, and the settings that determine the result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from core.base.providers import Precision, ProviderPreference
from core.training.backbones import backbone_of
from core.training.recipes import trainer_plan
from core.training.request import Recipe, TrainRequest
from tests import teaching

ASKED = TrainRequest(
    Path("pets"), "mine", 0.15, 0.15, 0, ProviderPreference.CPU, Precision.AUTO, recipe=Recipe.FINE_TUNE
)


def test_the_command_reproduces_the_model() -> None:
    assert "--no-augmentation" not in ASKED.command_line
    assert "--no-augmentation" in replace(ASKED, augment=False).command_line
    assert "--no-augmentation" not in replace(ASKED, augment=False, recipe=Recipe.DENSE).command_line


def test_augmentation_affects_only_fine_tuning(tmp_path: Path) -> None:
    backbone = backbone_of(teaching.make_library(tmp_path))
    plain = replace(ASKED, augment=False)
    assert trainer_plan(ASKED, backbone) != trainer_plan(plain, backbone)
    dense = (replace(asked, recipe=Recipe.DENSE) for asked in (ASKED, plain))
    first, second = (trainer_plan(asked, backbone) for asked in dense)
    assert first == second
