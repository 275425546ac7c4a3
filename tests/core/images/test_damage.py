"""Whole or damaged: what is silently answered as whole has all its pixels."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.base.errors import ImageError
from core.images.bounds import Memory, TooMuchMemoryError
from core.images.decoding import Decoded, decode, read_image
from core.images.png import PASSES
from tests import samples
from tests.benchmarks import fuzz

PHOTO = samples.photo_like(200, 150)
WHOLE = {
    **{form: samples.encoded(PHOTO, form) for form in samples.FORMATS},
    "JPEG 4:2:0": samples.encoded(PHOTO, "JPEG", quality=85, subsampling=2),
    "JPEG progressive": samples.encoded(PHOTO, "JPEG", progressive=True),
    "JPEG restarts": samples.encoded(PHOTO, "JPEG", restart_marker_blocks=4),
    "WEBP lossy": samples.encoded(PHOTO, "WEBP", lossless=False),
    "TIFF LZW": samples.encoded(PHOTO, "TIFF", compression="tiff_lzw"),
    "TIFF JPEG": samples.encoded(PHOTO, "TIFF", compression="jpeg"),
    "PNG interlaced": fuzz.interlaced_png(PHOTO),
}
JPEGS = [name for name in WHOLE if name.startswith("JPEG")]


def _read(folder: Path, data: bytes) -> Decoded:
    path = folder / "image"
    path.write_bytes(data)
    return read_image(path)


def _outcome(folder: Path, data: bytes) -> Decoded | None:
    try:
        return _read(folder, data)
    except ImageError:
        return None


@pytest.mark.parametrize("form", WHOLE)
def test_whole_images_have_no_warning(tmp_path: Path, form: str) -> None:
    assert _read(tmp_path, WHOLE[form]).warnings == ()


@pytest.mark.parametrize("value", [b"\0", b"\xff"], ids=["zeros", "ones"])
@pytest.mark.parametrize("form", WHOLE)
def test_half_empty_files_are_refused_or_warned_about(tmp_path: Path, form: str, value: bytes) -> None:
    whole, draw = WHOLE[form], random.Random(form)
    for part in (0.2, 0.5, 0.9, draw.uniform(0.05, 0.95)):
        kept = int(len(whole) * part)
        found = _outcome(tmp_path, whole[:kept] + value * (len(whole) - kept))
        assert found is None or found.warnings, part


@pytest.mark.parametrize("form", WHOLE)
def test_padding_behind_a_whole_image_is_no_damage(tmp_path: Path, form: str) -> None:
    right = _read(tmp_path, WHOLE[form]).pixels
    found = _read(tmp_path, WHOLE[form] + bytes(5000))
    assert (found.pixels == right).all()
    assert found.warnings == ()


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("form", WHOLE)
def test_a_black_or_white_end_of_a_photo_is_no_damage(tmp_path: Path, form: str, value: int) -> None:
    """A letterbox, a dark frame, and something round on a plain ground."""
    y, x = np.mgrid[:150, :200]
    letterbox = np.where((y < 20) | (y >= 110), value, 1)
    frame = np.where((y < 20) | (y >= 130) | (x < 20) | (x >= 180), value, 1)
    ball = np.where((x - 100) ** 2 + (y - 70) ** 2 < 2500, 1, value)
    for mask in (letterbox, frame, ball):
        pixels = np.where(mask[..., None] == 1, PHOTO, value).astype(np.uint8)
        kind, _, how = form.partition(" ")
        options: dict[str, object] = {"compression": "tiff_lzw"} if how == "LZW" else {}
        assert _read(tmp_path, samples.encoded(pixels, kind, **options)).warnings == ()


@pytest.mark.parametrize("form", samples.FORMATS)
@pytest.mark.parametrize("value", [0, 128, 255])
def test_images_of_one_colour_are_whole(tmp_path: Path, form: str, value: int) -> None:
    assert _read(tmp_path, samples.encoded(np.full((600, 800, 3), value, np.uint8), form)).warnings == ()


@pytest.mark.parametrize("form", JPEGS)
def test_a_jpeg_without_its_end_marker_is_whole(tmp_path: Path, form: str) -> None:
    right = _read(tmp_path, WHOLE[form])
    found = _read(tmp_path, WHOLE[form][:-2])
    assert (found.pixels == right.pixels).all()
    assert found.warnings == ()


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("form", JPEGS)
def test_jpegs_cut_and_closed_with_an_end_marker(tmp_path: Path, form: str, part: float) -> None:
    found = _outcome(tmp_path, WHOLE[form][: int(len(WHOLE[form]) * part)] + b"\xff\xd9")
    if form != "JPEG progressive" or part < 0.5:  # the data of a progressive JPEG's last scan say not how many they are
        assert found is None or found.warnings


@pytest.mark.parametrize("form", ["JPEG", "JPEG 4:2:0"])
def test_most_holes_in_a_jpeg_are_noticed(tmp_path: Path, form: str) -> None:
    """Libjpeg reads on at the wrong place, and has its pixels too early or too late, but for a few by chance."""
    options = {"quality": 95, "subsampling": 2 if "4:2:0" in form else 0}
    whole, draw = samples.encoded(samples.photo_like(600, 450), "JPEG", **options), random.Random(0)
    outcomes = []
    for start in range(10_000, 60_000, 10_000):
        fill = draw.choice((bytes(4096), draw.randbytes(4096).replace(b"\xff", b"\0")))
        outcomes.append(_outcome(tmp_path, whole[:start] + fill + whole[start + len(fill) :]))
    assert sum(found is None or bool(found.warnings) for found in outcomes) >= 4


def test_bytes_that_fill_up_before_the_end_marker_are_no_damage(tmp_path: Path) -> None:
    for filling in (bytes(20_000), b"\xff" * 20_000):
        assert _read(tmp_path, WHOLE["JPEG"][:-2] + filling + b"\xff\xd9").warnings == ()


def test_another_photo_behind_a_photo_is_no_damage(tmp_path: Path) -> None:
    """As in the multi-picture format."""
    assert _read(tmp_path, WHOLE["JPEG"] + samples.encoded(samples.photo_like(900, 600), "JPEG")).warnings == ()


def test_a_film_behind_a_photo_is_no_damage(tmp_path: Path) -> None:
    film = b"\0\0\0\x18ftypmp42" + random.Random(0).randbytes(5000) + bytes(100)
    assert _read(tmp_path, WHOLE["JPEG"] + film).warnings == ()


def test_a_grey_corner_is_no_damage(tmp_path: Path) -> None:
    pixels = PHOTO.copy()
    pixels[100:, 100:] = 128
    assert _read(tmp_path, samples.encoded(pixels, "JPEG")).warnings == ()


# --- PNG --------------------------------------------------------------------------------------------------------------


def _png(extra: bytes, rows: int = 150) -> bytes:
    data = b"".join(b"\0" + row.tobytes() for row in PHOTO[:rows])
    return samples.png(200, 150, 8, 2, data, extra=extra)


def _wrong(chunk: bytes) -> bytes:
    return chunk[:-1] + bytes([chunk[-1] ^ 1])


LONG = zlib.compress(bytes(3_000_000))


@pytest.mark.parametrize(
    "extra",
    [
        samples.png_chunk(b"zTXt", b"Comment\0\0" + LONG),
        samples.png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + LONG),
        samples.png_chunk(b"tEXt", b"Comment\0" + bytes(2_000_000)),
        samples.png_chunk(b"iCCP", b"profile\0\0" + LONG),
        samples.png_chunk(b"iCCP", b"profile"),
        samples.png_chunk(b"zTXt", b"Comment\0\0no zlib"),
        samples.png_chunk(b"prVt", bytes(3_000_000)),
        _wrong(samples.png_chunk(b"tEXt", b"Comment\0short")),
        _wrong(samples.png_chunk(b"iCCP", b"profile\0\0" + zlib.compress(b"short"))),
        _wrong(samples.png_chunk(b"eXIf", samples.exif(6)[6:])),
        _wrong(samples.png_chunk(b"acTL", struct.pack(">II", 5, 0))),
    ],
)
def test_metadata_do_not_damage_a_png(tmp_path: Path, extra: bytes) -> None:
    found = _read(tmp_path, _png(extra))
    assert (found.pixels == PHOTO).all()
    assert found.warnings == ()


def test_metadata_behind_the_pixels_do_not_damage_a_png(tmp_path: Path) -> None:
    data = _png(b"")
    late = samples.png_chunk(b"zTXt", b"Comment\0\0" + LONG) + samples.png_chunk(b"eXIf", samples.exif(6)[6:])
    found = _read(tmp_path, data[:-12] + late + data[-12:])
    assert found.pixels.shape == (200, 150, 3), "the orientation counts wherever it stands"
    assert found.warnings == ()


def test_a_long_profile_of_a_png_is_applied(tmp_path: Path) -> None:
    profile = samples.rgb_profile(samples.P3_COLUMNS)
    found = _read(tmp_path, _png(samples.png_chunk(b"iCCP", b"p\0\0" + zlib.compress(profile + bytes(2_000_000)))))
    assert not (found.pixels == PHOTO).all()


@pytest.mark.parametrize("rows", [149, 100, 1])
def test_a_png_without_its_last_rows(tmp_path: Path, rows: int) -> None:
    found = _outcome(tmp_path, _png(b"", rows))
    assert found is None or found.warnings


@pytest.mark.parametrize("passes", [6, 4])
def test_an_interlaced_png_without_its_last_passes(tmp_path: Path, passes: int) -> None:
    parts = [PHOTO[top::down, left::across] for left, across, top, down in PASSES[:passes]]
    rows = b"".join(b"\0" + row.tobytes() for part in parts for row in part)
    found = _outcome(tmp_path, samples.png(200, 150, 8, 2, rows, interlaced=True))
    assert found is None or found.warnings


def test_a_png_whose_pixels_have_a_wrong_sum(tmp_path: Path) -> None:
    data = bytearray(_png(b""))
    data[-13] ^= 1
    assert _read(tmp_path, bytes(data)).warnings
    header = bytearray(_png(b""))
    header[29] ^= 1
    assert _outcome(tmp_path, bytes(header)) is None


# --- Work and memory --------------------------------------------------------------------------------------------------


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _sequential(side: int, scans: int) -> bytes:
    frame = struct.pack(">BHHB9B", 8, side, side, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0)
    tables = _segment(0xDB, b"\0" + b"\1" * 64) + _segment(0xC0, frame)
    tables += _segment(0xC4, b"\0\1" + bytes(16)) + _segment(0xC4, b"\x10\1" + bytes(16))
    return b"\xff\xd8" + tables + b"".join(
        _segment(0xDA, bytes([1, 1 + scan % 3, 0, 0, 63, 0])) + b"\0\0" for scan in range(scans)
    ) + b"\xff\xd9"  # fmt: skip


def _hidden(scans: bytes, behind: bytes) -> bytes:
    """A segment put behind the first scan."""
    second = scans.index(b"\xff\xda", scans.index(b"\xff\xda") + 2)
    return scans[:second] + behind + scans[second:]


@pytest.mark.parametrize(
    "data",
    [
        _sequential(16_000, 300),
        samples.jpeg_of_scans(16_000, 16_000, 64),
        _hidden(samples.jpeg_of_scans(4000, 3000, 2000), _segment(0xFE, b"\xff\xd9")),
        _hidden(samples.jpeg_of_scans(4000, 3000, 2000), b"\xff\xd0\0\xff\xff\0"),
        b"\xff\xd8" + _segment(0xFE, b"") * 20_000,
    ],
    ids=["sequential", "large", "behind an end marker in a comment", "behind a restart marker", "endless header"],
)
def test_jpegs_of_endless_work_are_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(data)
    with pytest.raises(ImageError) as caught:
        decode(path, min_side=598)
    assert caught.value.kind == "too-large"


def test_a_jpeg_whose_coefficients_take_too_much_memory_is_refused(tmp_path: Path) -> None:
    frame = struct.pack(">BHHB12B", 8, 16_000, 16_000, 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0)
    data = b"\xff\xd8" + _segment(0xC2, frame) + _segment(0xDA, bytes([4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 0, 0]))
    path = tmp_path / "x.jpg"
    path.write_bytes(data + b"\0\xff\xd9")
    with pytest.raises(ImageError, match="memory") as caught:
        decode(path, min_side=598)
    assert caught.value.kind == "too-large"


def test_images_wait_until_there_is_memory_for_them() -> None:
    memory, order = Memory(100), []
    entered, leave = threading.Event(), threading.Event()

    def first() -> None:
        with memory.taken(60):
            entered.set()
            leave.wait()
            order.append("first leaves")

    thread = threading.Thread(target=first)
    thread.start()
    entered.wait()
    second = threading.Thread(target=lambda: _enter(memory, order))
    second.start()
    with memory.taken(40):
        pass
    leave.set()
    second.join()
    thread.join()
    assert order == ["first leaves", "second enters"]
    with pytest.raises(TooMuchMemoryError), memory.taken(101):
        pass


def _enter(memory: Memory, order: list[str]) -> None:
    with memory.taken(50):
        order.append("second enters")


def test_exif_that_lists_more_than_memory_holds_is_passed_over(tmp_path: Path) -> None:
    """5,000 entries that all name the same 60 kB; Pillow would copy them one by one."""
    entries = b"".join(struct.pack("<HHII", tag, 2, 60_000, 8) for tag in range(300, 5000))
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 4700) + entries
    found = _read(tmp_path, samples.encoded(PHOTO, "JPEG", exif=exif.ljust(64_000, b"\0")))
    assert found.pixels.shape == PHOTO.shape


@pytest.mark.skipif(sys.platform == "win32", reason="libtiff is part of Pillow's own library there")
def test_libtiff_writes_nothing_to_standard_error(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    fax = Image.fromarray(PHOTO[..., 0] > 120).convert("1")
    whole = samples.encoded(fax, "TIFF", compression="group4")
    path.write_bytes(whole[:60] + random.Random(0).randbytes(len(whole) - 260) + whole[-200:])
    program = "import sys; from pathlib import Path; from core.images.decoding import read_image\n"
    program += "try: print(bool(read_image(Path(sys.argv[1])).warnings))\nexcept Exception: print(True)"
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", program, path], cwd=root, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("True\n", "")
