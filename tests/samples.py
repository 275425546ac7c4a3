"""Images drawn in code for tests: every format, turned, deep, transparent, profiled, animated, torn and hostile."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIF")
LOSSLESS = ("PNG", "WEBP", "GIF", "TIFF", "BMP")
SUFFIXES = dict(zip(FORMATS, ("jpg", "png", "webp", "gif", "tif", "bmp", "avif", "heic"), strict=True))

RED, GREEN, BLUE, GREY = (200, 30, 40), (20, 160, 60), (30, 50, 190), (110, 110, 110)

_OPTIONS: dict[str, dict[str, object]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},
    "AVIF": {"quality": 95, "speed": 10, "subsampling": "4:4:4"},
    "HEIF": {"quality": 95, "chroma": 444},
}

_TURN_AWAY = {
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.transpose(1, 0, 2),
    6: lambda pixels: np.rot90(pixels, 1),
    7: lambda pixels: pixels[::-1, ::-1].transpose(1, 0, 2),
    8: lambda pixels: np.rot90(pixels, -1),
}
"""From upright pixels to those that a camera held like this stores (EXIF 2.32, 4.6.4, tag 274)."""


def quadrants(width: int = 48, height: int = 32) -> NDArray[np.uint8]:
    """Pixels [height, width, 3] of four colours, no two ways of turning them alike."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2], pixels[: height // 2, width // 2 :] = RED, GREEN
    pixels[height // 2 :, : width // 2], pixels[height // 2 :, width // 2 :] = BLUE, GREY
    return pixels


def photo_like(width: int, height: int) -> NDArray[np.uint8]:
    """Pixels [height, width, 3] with what photos have: soft shading, hard edges, fine texture and noise."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / np.float32(min(width, height))
    shading = 120 + 70 * np.sin(3 * x + 1) * np.cos(2 * y)
    edges = 40 * np.sign(np.sin(9 * (x + 0.3 * y)) + np.cos(7 * (y - 0.2 * x)))
    texture = 15 * np.sin(160 * x * (1 + 0.2 * y)) * np.sin(140 * y)
    noise = np.random.default_rng(7).normal(0, 4, (height, width)).astype(np.float32)
    grey = shading + edges + texture + noise
    return np.stack([grey, 0.8 * grey + 30 * x, 0.6 * grey + 50 * y], axis=-1).clip(0, 255).astype(np.uint8)


def encoded(image: Image.Image | NDArray[np.uint8], form: str, **options: object) -> bytes:
    """An image as the bytes of a file of that form."""
    drawn = image if isinstance(image, Image.Image) else Image.fromarray(image)
    buffer, choices = BytesIO(), {**_OPTIONS.get(form, {}), **options}
    if form == "HEIF":
        pillow_heif.from_pillow(drawn).save(buffer, **choices)
    else:
        drawn.save(buffer, form, **choices)
    return buffer.getvalue()


def turned(form: str, orientation: int, upright: NDArray[np.uint8]) -> bytes:
    """A file whose stored pixels are `upright` only when its EXIF orientation (1 to 8) is heeded."""
    stored = np.ascontiguousarray(_TURN_AWAY[orientation](upright))
    if form == "TIFF":
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[274] = orientation
        return encoded(stored, form, tiffinfo=tags)
    return encoded(stored, form, exif=exif(orientation))


def exif(orientation: int) -> bytes:
    """EXIF that says nothing but how the camera was held."""
    tags = Image.Exif()
    tags[274] = orientation
    return tags.tobytes()


def animated(form: str) -> bytes:
    """Three frames, or pages: red, green, blue."""
    frames = [Image.new("RGB", (40, 30), colour) for colour in (RED, GREEN, BLUE)]
    return encoded(frames[0], form, save_all=True, append_images=frames[1:])


# --- Colour profiles, written from the ICC specification (ICC.1:2010) ------------------------------------------------

SRGB_COLUMNS = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
P3_COLUMNS = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
ADOBE_COLUMNS = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
"""XYZ (D50) of each primary, red first: IEC 61966-2-1, Display P3, Adobe RGB (1998)."""

_D50 = (0.96420, 1.0, 0.82491)
_SRGB_CURVE = (
    b"para"
    + bytes(4)
    + struct.pack(">HH", 3, 0)
    + b"".join(struct.pack(">i", round(value * 65536)) for value in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
)


def gamma_curve(gamma: float) -> bytes:
    """A tone curve that is a power."""
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))


def rgb_profile(columns: tuple[tuple[float, ...], ...], curve: bytes = _SRGB_CURVE) -> bytes:
    """A display's profile from its primaries and tone curve."""
    primaries = {name: _xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)}
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    return _profile(b"mntr", b"RGB ", b"XYZ ", {b"wtpt": _xyz(_D50), **primaries, **curves})


def grey_profile(curve: bytes) -> bytes:
    """A grey display's profile."""
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"wtpt": _xyz(_D50), b"kTRC": curve})


def cmyk_profile(inks: NDArray[np.uint8]) -> bytes:
    """A printer's profile as a table: `inks` [2, 2, 2, 2, 3] is the sRGB colour of each full mixture of C, M, Y, K.

    Little CMS prints no ink as white and the darkest mixture as black, so these should be white and black.
    """
    lab = _lab(inks.reshape(16, 3))
    table = np.rint(np.stack([lab[:, 0] * 2.55, lab[:, 1] + 128, lab[:, 2] + 128], axis=-1)).astype(np.uint8)
    identity = struct.pack(">9i", *(65536 * np.eye(3, dtype=int)).ravel())
    ramps = bytes(range(256))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + 4 * ramps + table.tobytes() + 3 * ramps
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"wtpt": _xyz(_D50), b"A2B0": lut})


def to_srgb(colour: tuple[int, int, int], columns: tuple[tuple[float, ...], ...], gamma: float | None) -> list[int]:
    """What a colour of another space is in sRGB, by the definitions; `gamma` None stands for sRGB's own curve."""
    value = np.array(colour) / 255
    light = linear(value) if gamma is None else value**gamma
    mixed = np.linalg.solve(np.transpose(SRGB_COLUMNS), np.transpose(columns) @ light).clip(0, 1)
    return [int(channel) for channel in np.rint(255 * _curved(mixed))]


def linear(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light for values of sRGB, 0..1 (IEC 61966-2-1)."""
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _curved(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def _lab(srgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """CIE L*a*b* (D50) of sRGB colours [n, 3]."""
    relative = linear(srgb / 255) @ np.array(SRGB_COLUMNS) / np.array(_D50)
    f = np.where(relative > 216 / 24389, np.cbrt(relative), (24389 / 27 * relative + 16) / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=-1)


def _xyz(value: tuple[float, ...]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(part * 65536) for part in value))


def _profile(family: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Header, table of tags, tags (ICC.1:2010, section 7)."""
    table, body, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    header = struct.pack(">I4sI4s4s4s", start + len(body), bytes(4), 0x04200000, family, space, connection)
    header += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    header += struct.pack(">3i", *(round(part * 65536) for part in _D50))
    return header.ljust(128, b"\0") + table + body


# --- Torn and hostile files -------------------------------------------------------------------------------------------


def png_of_size(width: int, height: int) -> bytes:
    """A valid header of a grey PNG of that size, with next to no pixels behind it."""
    return png(width, height, 8, 0, bytes(100))


def png(
    width: int, height: int, depth: int, colour_type: int, rows: bytes, *, extra: bytes = b"", interlaced: bool = False
) -> bytes:
    """A PNG of any header; each of `rows` starts with its filter's byte (ISO 15948); `extra` chunks come first."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, interlaced)
    data = png_chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + extra + data + png_chunk(b"IEND", b"")


def png_chunk(name: bytes, content: bytes) -> bytes:
    """A chunk with its sum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def bmp_of_size(width: int, height: int) -> bytes:
    """A 24-bit BMP's header and no pixels."""
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, *[0] * 6)


def gif_of_size(width: int, height: int) -> bytes:
    """A small GIF on a large screen."""
    small = bytearray(encoded(quadrants(), "GIF"))
    small[6:10] = struct.pack("<HH", width, height)
    return bytes(small)


def tiff_of_size(width: int, height: int) -> bytes:
    """A grey TIFF with next to no pixels."""
    return tiff(width, height, 8, 1, bytes(64))


def tiff(width: int, height: int, bits: int, photometric: int, data: bytes) -> bytes:
    """A grey TIFF of one uncompressed strip (TIFF 6.0); photometric 0 says that 0 is white, 1 that it is black."""
    sizes = ((256, width), (257, height), (258, bits), (259, 1), (262, photometric))
    strip = ((273, 8 + 2 + 9 * 12 + 4), (277, 1), (278, height), (279, len(data)))
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sizes + strip)
    return b"II*\0" + struct.pack("<IH", 8, 9) + directory + bytes(4) + data


def webp_of_size(width: int, height: int) -> bytes:
    """An extended WebP's canvas of that size around a small image."""
    small = encoded(quadrants(), "WEBP")[12:]
    canvas = b"VP8X" + struct.pack("<II", 10, 0) + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return b"RIFF" + struct.pack("<I", 4 + len(canvas) + len(small)) + b"WEBP" + canvas + small


def jpeg_of_size(width: int, height: int) -> bytes:
    """A small JPEG whose header states another size."""
    data = bytearray(encoded(quadrants(), "JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def jpeg_of_scans(width: int, height: int, scans: int) -> bytes:
    """A grey progressive JPEG (ITU T.81, G.1) with that many passes, each of which leaves every block as it was."""
    blocks = -(-width // 8) * -(-height // 8)
    runs = -(-blocks // 32767)  # each run: one bit for its code, fourteen for its length
    bits = "".join("0" + "1" * 14 for _ in range(runs))
    bits += "1" * (-len(bits) % 8)
    skip_all = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    tables = _segment(0xDB, b"\0" + b"\1" * 64) + _segment(
        0xC2, struct.pack(">BHHB3B", 8, height, width, 1, 1, 0x11, 0)
    )
    tables += _segment(0xC4, b"\x00\1" + bytes(15) + b"\x00") + _segment(0xC4, b"\x10\1" + bytes(15) + b"\xe0")
    first = _segment(0xDA, bytes([1, 1, 0, 0, 0, 0])) + bytes(-(-blocks // 8))
    coarse = _segment(0xDA, bytes([1, 1, 0, 1, 63, 1])) + skip_all
    finer = _segment(0xDA, bytes([1, 1, 0, 1, 63, 0x10])) + skip_all
    return b"\xff\xd8" + tables + first + coarse + finer * (scans - 2) + b"\xff\xd9"


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content
