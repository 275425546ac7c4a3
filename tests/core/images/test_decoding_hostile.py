"""Files that are not what they should be: each gives one clear failure, at once, and costs nothing else."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from core.base.errors import ImageError
from core.images.decoding import Pixels, decode, decode_thumbnail
from tests import samples

SMALL = {form: samples.encoded(samples.quadrants(24, 16), form) for form in samples.FORMATS}
needs_links_and_pipes = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")


def _failure(path: Path) -> ImageError:
    with pytest.raises(ImageError) as caught:
        decode(path, min_side=598)
    error = caught.value
    assert error.what.endswith((".", "!"))
    assert error.hint.endswith(".")
    assert "\n" not in str(error)
    return error


def _failure_of(folder: Path, data: bytes, name: str = "photo.jpg") -> ImageError:
    path = folder / name
    path.write_bytes(data)
    return _failure(path)


def test_no_such_file(tmp_path: Path) -> None:
    error = _failure(tmp_path / "holiday.jpg")
    assert error.kind == "missing"
    assert error.what == "“holiday.jpg” does not exist."


def test_a_file_in_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert _failure(tmp_path / "file" / "photo.jpg").kind == "missing"


def test_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    assert _failure(tmp_path / "zero\0byte.jpg").kind == "missing"
    assert _failure(tmp_path / ("long" * 100 + ".jpg")).kind == "missing"


def test_an_empty_file(tmp_path: Path) -> None:
    assert _failure_of(tmp_path, b"").kind == "empty"


@pytest.mark.parametrize(
    "data",
    [
        b"Dear diary,\n",
        b"BMW is a car, and this is a text.",
        b"\0" * 100,
        b"\xff",
    ],
)
def test_other_files_under_an_image_s_name(tmp_path: Path, data: bytes) -> None:
    error = _failure_of(tmp_path, data)
    assert error.kind == "not-an-image"
    assert "HEIC" in error.hint


def test_a_folder_called_like_an_image(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").mkdir()
    error = _failure(tmp_path / "x.jpg")
    assert (error.kind, error.what) == ("not-a-file", "“x.jpg” is a folder.")


@needs_links_and_pipes
def test_a_pipe_that_nobody_writes_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.jpg")
    assert _failure(tmp_path / "x.jpg").kind == "not-a-file"


@needs_links_and_pipes
def test_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path has at most 107 bytes
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("x.jpg")
        assert _failure(Path("x.jpg")).kind == "not-a-file"


@needs_links_and_pipes
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty"])
def test_a_device(tmp_path: Path, device: str) -> None:
    (tmp_path / "x.jpg").symlink_to(device)
    assert _failure(tmp_path / "x.jpg").kind == "not-a-file"


@needs_links_and_pipes
def test_links_that_lead_nowhere_or_in_circles(tmp_path: Path) -> None:
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nothing")
    (tmp_path / "a.jpg").symlink_to(tmp_path / "b.jpg")
    (tmp_path / "b.jpg").symlink_to(tmp_path / "a.jpg")
    assert _failure(tmp_path / "gone.jpg").kind == "missing"
    error = _failure(tmp_path / "a.jpg")
    assert error.kind == "not-a-file"
    assert "points to itself" in error.what


@needs_links_and_pipes
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(SMALL["JPEG"])
    path.chmod(0)
    assert _failure(path).kind == "no-access"


@needs_links_and_pipes
def test_a_file_that_turns_into_a_pipe_after_it_was_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is opened is looked at again, and opening never waits."""
    good, pipe = tmp_path / "good.jpg", tmp_path / "pipe.jpg"
    good.write_bytes(SMALL["JPEG"])
    os.mkfifo(pipe)
    status = good.stat()
    monkeypatch.setattr(Path, "stat", lambda self: status)
    assert _failure(pipe).kind == "not-a-file"


def test_a_file_that_vanishes_after_it_was_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = tmp_path / "good.jpg"
    good.write_bytes(SMALL["JPEG"])
    status = good.stat()
    monkeypatch.setattr(Path, "stat", lambda self: status)
    assert _failure(tmp_path / "vanished.jpg").kind == "missing"


@needs_links_and_pipes
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"caf\xe9.jpg", "“caf\\xe9.jpg”"),
        (b"two\nlines.jpg", "“two\\nlines.jpg”"),
        (b"\x1b[31mred.jpg", "“\\x1b[31mred.jpg”"),
        ("left\u202egpj.right".encode(), "“left\\u202egpj.right”"),
        (b"\"double\" 'single' `back`.jpg", "“\"double\" 'single' `back`.jpg”"),
        ("Größe 大きさ 👩‍🎨.jpg".encode(), "“Größe 大きさ 👩‍🎨.jpg”"),
    ],
)
def test_names_are_reported_in_one_safe_line(tmp_path: Path, name: bytes, shown: str) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(SMALL["PNG"])
    assert decode(path).shape == (16, 24, 3), "the name is no reason not to read the image"
    path.write_bytes(b"")
    error = _failure(path)
    assert error.what == f"{shown} is empty."
    assert str(error).encode()


@pytest.mark.parametrize("part", [0.01, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("form", samples.FORMATS)
def test_files_cut_off(tmp_path: Path, form: str, part: float) -> None:
    whole = samples.encoded(samples.photo_like(200, 150), form)
    assert _failure_of(tmp_path, whole[: int(len(whole) * part)]).kind == "damaged"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "BMP", "GIF"])
def test_truncated_files_are_reported_as_incomplete(tmp_path: Path, form: str) -> None:
    whole = samples.encoded(samples.photo_like(200, 150), form)
    assert "is incomplete" in _failure_of(tmp_path, whole[: len(whole) // 2]).what


@pytest.mark.parametrize("form", samples.FORMATS)
def test_previews_fail_in_the_same_way(tmp_path: Path, form: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(SMALL[form][: len(SMALL[form]) // 2])
    with pytest.raises(ImageError) as caught:
        decode_thumbnail(path, 64)
    assert caught.value.kind == _failure(path).kind == "damaged"


@pytest.mark.parametrize("form", ["png", "gif", "bmp", "tiff", "webp", "jpeg"])
def test_huge_images_are_refused_by_their_header(tmp_path: Path, form: str) -> None:
    resource = pytest.importorskip("resource", reason="the peak of memory is not expected here")
    data = getattr(samples, f"{form}_of_size")(60_000, 60_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert _failure_of(tmp_path, data).kind == "too-large"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


@pytest.mark.parametrize(("width", "height"), [(65_536, 1), (1, 65_536), (10_000, 12_001), (2**31 - 1, 2**31 - 1)])
def test_limits_of_what_is_decoded(tmp_path: Path, width: int, height: int) -> None:
    error = _failure_of(tmp_path, samples.png_of_size(width, height))
    assert (error.kind, f"{width:,} × {height:,} pixels" in error.what) == ("too-large", True)
    assert _failure_of(tmp_path, samples.png_of_size(10_000, 12_000)).kind == "damaged", (
        "within them, but there is no more"
    )


def test_a_jpeg_may_have_more_pixels_if_it_is_reduced(tmp_path: Path) -> None:
    """Photos of 200-megapixel phones; without permission to reduce them they are as large as any other image."""
    path = tmp_path / "phone.jpg"
    path.write_bytes(samples.jpeg_of_size(16_320, 12_240))
    assert decode(path, min_side=598).shape == (1530, 2040, 3)
    assert decode_thumbnail(path, 256).shape == (192, 256, 3)
    with pytest.raises(ImageError, match="limit is 120 megapixels"):
        decode(path)


def test_a_file_of_more_bytes_than_are_read(tmp_path: Path) -> None:
    path = tmp_path / "endless.png"
    with path.open("wb") as file:
        file.write(SMALL["PNG"])
        file.truncate(1024**3 + 1)
    assert _failure(path).kind == "too-large"


def test_a_jpeg_of_endless_scans_takes_no_time(tmp_path: Path) -> None:
    """Half a megabyte that would be decoded for a minute."""
    path = tmp_path / "x.jpg"
    path.write_bytes(samples.jpeg_of_scans(1600, 1200, 64))
    assert decode(path, min_side=598).shape == (600, 800, 3)
    started = time.process_time()
    assert _failure_of(tmp_path, samples.jpeg_of_scans(16_000, 12_000, 400)).kind == "too-large"
    assert time.process_time() - started < 5


def test_scans_are_counted_in_the_image_and_not_behind_it(tmp_path: Path) -> None:
    """Phones put a film behind the photo, in which any bytes may stand."""
    data = samples.encoded(samples.quadrants(), "JPEG", progressive=True)
    path = tmp_path / "x.jpg"
    path.write_bytes(data + bytes(2 * 1024**2) + b"\xff\xda" * 1000)
    assert decode(path).shape == (32, 48, 3)


def test_errors_keep_no_pixels_and_no_file_open(tmp_path: Path) -> None:
    """A table of a thousand failures must not hold a thousand images."""
    path = tmp_path / "x.png"
    path.write_bytes(samples.encoded(samples.photo_like(400, 300), "PNG")[:-5000])
    error = _failure(path)
    assert error.__cause__ is not None
    kept = [
        value
        for frame, _ in traceback.walk_tb(error.__cause__.__traceback__)
        for value in frame.f_locals.values()
        if isinstance(value, Image.Image | np.ndarray)
    ]
    assert kept == []
    if Path("/proc/self/fd").exists():
        assert path not in [link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells and limits a process's memory in this way")
def test_too_little_memory_is_reported(tmp_path: Path) -> None:
    """In a process of its own, which may take 100 MB more than it has."""
    path = tmp_path / "large.png"
    path.write_bytes(samples.png_of_size(10_000, 11_900))
    program = """
import os, resource, sys
from pathlib import Path
from core.base.errors import ImageError
from core.images.decoding import decode
limit = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE") + 100_000_000
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    decode(Path(sys.argv[1]))
except ImageError as error:
    print(error.kind)
"""
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", program, path], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "no-memory\n"


def test_errors_cross_from_one_process_to_another(tmp_path: Path) -> None:
    error = _failure(tmp_path / "x.jpg")
    copied = pickle.loads(pickle.dumps(error))
    assert (copied.kind, copied.what, copied.hint) == (error.kind, error.what, error.hint)


def test_stopping_the_program_is_not_an_image_s_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(self: Path) -> os.stat_result:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "stat", stop)
    with pytest.raises(KeyboardInterrupt):
        decode(tmp_path / "x.jpg")


def test_one_bad_image_among_threads_leaves_the_others_alone(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    good.write_bytes(SMALL["PNG"])
    bad.write_bytes(SMALL["PNG"][:60])
    seen: list[bool] = []

    def work() -> None:
        for _ in range(50):
            seen.append(decode(good).shape == (16, 24, 3))
            seen.append(_failure(bad).kind == "damaged")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 400
    assert all(seen)


@pytest.mark.parametrize("form", samples.FORMATS)
@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_gives_pixels_or_an_image_error(tmp_path: Path, form: str, data: st.DataObject) -> None:
    whole = SMALL[form]
    torn = bytearray(whole[: data.draw(st.integers(0, len(whole)), label="length")])
    places = st.integers(0, max(0, len(torn) - 1))
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=6), label="changes"):
        torn[place : place + 1] = bytes([value])
    path = tmp_path / "torn"
    path.write_bytes(torn)
    outcome = _outcome(path)
    if isinstance(outcome, ImageError):
        assert outcome.kind in {"empty", "not-an-image", "damaged", "too-large"}
    else:
        assert (outcome.dtype, outcome.ndim, outcome.shape[2]) == (np.uint8, 3, 3)


def _outcome(path: Path) -> Pixels | ImageError:
    try:
        return decode(path, min_side=16)
    except ImageError as error:
        return error
