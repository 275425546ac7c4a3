"""Parts of an image for the viewer: upright, of the right place, at the size asked for, decoded once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.base.errors import Cancelled, ImageError
from core.base.progress import CancelToken
from core.images import decoding, viewing
from core.images.drawing import Picture
from core.images.viewing import Area, close_image, draw_area
from tests import samples


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    close_image()


def pixels_of(picture: Picture) -> np.ndarray:
    return np.frombuffer(picture.rgb, np.uint8).reshape(picture.height, picture.width, 3)


@pytest.mark.parametrize("orientation", [1, 6, 8])
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_the_whole_image_is_upright_and_fits(tmp_path: Path, form: str, orientation: int) -> None:
    upright = samples.quadrants(400, 120)
    file = tmp_path / "image"
    file.write_bytes(samples.turned(form, orientation, upright))
    drawn = draw_area(file, None, 100, 100, token=CancelToken())
    assert (drawn.width, drawn.height) == (400, 120)
    assert (drawn.picture.width, drawn.picture.height) == (100, 30)
    assert drawn.area == Area(0, 0, 400, 120)
    np.testing.assert_allclose(pixels_of(drawn.picture)[2, 2], upright[4, 4].astype(int), atol=8)


def test_a_part_is_drawn_pixel_by_pixel_and_never_enlarged(tmp_path: Path) -> None:
    upright = samples.quadrants(400, 120)
    Image.fromarray(upright).save(tmp_path / "image.png")
    area = Area(390, 50, 10, 70)
    drawn = draw_area(tmp_path / "image.png", area, 1000, 1000, token=CancelToken())
    assert (pixels_of(drawn.picture) == upright[50:120, 390:400]).all()


def test_an_image_is_decoded_again_only_for_more_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, sides = tmp_path / "image.jpg", []
    Image.fromarray(samples.quadrants(640, 480)).save(file, quality=95)
    decode = decoding.decode_reduced

    def counting(path: Path, side: int) -> tuple[decoding.Pixels, tuple[int, int]]:
        sides.append(side)
        return decode(path, side)

    monkeypatch.setattr(decoding, "decode_reduced", counting)
    for area, longest in ((None, 80), (None, 60), (Area(0, 0, 64, 48), 64), (Area(9, 9, 64, 48), 64)):
        drawn = draw_area(file, area, longest, longest, token=CancelToken())
        assert (drawn.width, drawn.height) == (640, 480)
    assert sides == [80, 640]
    close_image()
    assert viewing._VIEWED._kept is None
    draw_area(file, Area(0, 0, 64, 48), 64, 64, token=CancelToken())
    assert len(sides) == 3


def test_a_cancelled_call_decodes_nothing(tmp_path: Path) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        draw_area(tmp_path / "image.jpg", None, 10, 10, token=token)


def test_an_unreadable_image_fails_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "image.jpg").write_text("no image")
    with pytest.raises(ImageError):
        draw_area(tmp_path / "image.jpg", None, 10, 10, token=CancelToken())
