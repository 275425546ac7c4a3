"""Builds one bundle and its archive in `dist`: `python packaging/build.py cpu`, `cuda` or `trainer`.

    python3 -m uv run --no-dev --extra intel --group bundle python packaging/build.py cpu
    python3 -m uv run --no-dev --extra cuda --group bundle python packaging/build.py cuda
    python3 -m uv run --no-dev --extra train --group bundle python packaging/build.py trainer

What goes in is what is installed in that environment, and is listed with hashes in the bundle.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

from archive import pack
from contents import ROOT, SOURCES, Flavour
from inputs import moment, write_inputs
from licences import collect, write
from sbom import write_sbom

from core.base.bundle import FILES, TRAINER, Bundle, list_files

_PROGRAM: Final = {Flavour.CPU: "fovea", Flavour.CUDA: "fovea", Flavour.TRAINER: TRAINER}
_NEEDED: Final = {
    Flavour.CPU: ("onnxruntime_ep_openvino",) if platform.machine() in ("x86_64", "AMD64") else (),
    Flavour.CUDA: ("nvidia.cudnn",),
    Flavour.TRAINER: ("tensorflow", "tf2onnx", "h5py"),
}
"""What the environment must hold for a flavour."""
_LARGEST: Final = 20
_GLIBC: Final = re.compile(rb"GLIBC_2\.(\d+)\0")


@dataclass(frozen=True, slots=True)
class Plan:
    """A bundle to be built.

    Attributes:
        flavour: which.
        name: of its folder in `dist` and of its archive.
        work: PyInstaller's own folder.
        place: what the archive holds.
    """

    flavour: Flavour
    name: str
    work: Path
    place: Path

    @property
    def bundle(self) -> Bundle:
        """The folder that a person unpacks."""
        folder = self.place / _PROGRAM[self.flavour]
        return Bundle(folder, folder / "_internal")


def main() -> None:
    """Build what the command line asks for; tell its size part by part."""
    parser = argparse.ArgumentParser(description="Build a bundle.")
    parser.add_argument("flavour", choices=[flavour.value for flavour in Flavour])
    parser.add_argument("--no-archive", action="store_true", help="leave the folder as it is")
    asked = parser.parse_args()
    plan = _plan(Flavour(asked.flavour))
    _freeze(plan)
    _sign(plan)
    _document(plan)
    _tell_sizes(plan.bundle)
    if not asked.no_archive:
        archive = pack(plan.place, ROOT / "dist" / plan.name)
        print(f"{archive.relative_to(ROOT)}: {archive.stat().st_size / 1e6:.1f} MB")


def _plan(flavour: Flavour) -> Plan:
    missing = [name for name in _NEEDED[flavour] if not _is_there(name)]
    if missing:
        sys.exit(f"This environment lacks {', '.join(missing)}; see the top of {Path(__file__).name}.")
    system = {"darwin": "macos", "win32": "windows"}.get(sys.platform, sys.platform)
    name = f"fovea-{metadata.version('fovea')}-{flavour}-{system}-{platform.machine().lower()}"
    return Plan(flavour, name, ROOT / "build" / name, ROOT / "dist" / name)


def _is_there(module: str) -> bool:
    from importlib.util import find_spec

    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _freeze(plan: Plan) -> None:
    """Have PyInstaller collect everything, with hashes of strings and dates that are the same every time."""
    shutil.rmtree(plan.place, ignore_errors=True)
    shutil.rmtree(plan.work, ignore_errors=True)
    spec = ROOT / "packaging" / ("trainer.spec" if plan.flavour is Flavour.TRAINER else "fovea.spec")
    stable = {
        "PYTHONHASHSEED": "0",
        "SOURCE_DATE_EPOCH": f"{moment().timestamp():.0f}",
        "FOVEA_FLAVOUR": plan.flavour.value,
    }
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR", "--distpath", plan.place]
    subprocess.run([*command, "--workpath", plan.work, spec], env={**os.environ, **stable}, cwd=ROOT, check=True)


def _sign(plan: Plan) -> None:
    """Before files are listed, as it changes them; the scripts do nothing where there are no secrets, and say so."""
    packaging = ROOT / "packaging"
    if sys.platform == "darwin":
        subprocess.run([packaging / "macos/sign.sh", "sign", plan.bundle.folder], check=True)
    elif sys.platform == "win32":
        subprocess.run(["pwsh", packaging / "windows/sign.ps1", plan.bundle.folder], check=True)


def _document(plan: Plan) -> None:
    """Add what tells of the bundle: licences, its parts, what it was made from, and every file's hash."""
    (record,) = plan.work.rglob(SOURCES)
    sources = [Path(name) for name in json.loads(record.read_bytes())]
    distributions, bundle = distributions_of(sources) | {"pyinstaller"}, plan.bundle
    binaries = [path for path in sources if _is_native(path)]
    found = collect(distributions, binaries)
    write(found, bundle.contents, bundle.folder)
    write_sbom(found, distributions, binaries, bundle.contents / "sbom.json")
    write_inputs(distributions, bundle.contents / "inputs.json")
    listed = list_files(bundle, metadata.version("fovea"))
    (bundle.contents / FILES).write_text(json.dumps(listed, indent=0, ensure_ascii=False), "utf-8")


def distributions_of(sources: list[Path]) -> set[str]:
    """Names of the distributions that files of this environment were installed by."""
    owners = {
        Path(str(found.locate_file(file))).resolve(): found.name
        for found in metadata.distributions()
        for file in found.files or ()
    }
    return {owners[path] for path in sources if path in owners}


def _is_native(path: Path) -> bool:
    return re.search(r"\.(so|dylib|dll|pyd)\b", path.name) is not None


def _tell_sizes(bundle: Bundle) -> None:
    files = {path: path.stat().st_size for path in bundle.folder.rglob("*") if path.is_file() and not path.is_symlink()}
    parts = Counter[str]()
    for path, size in files.items():
        parts[_part(path.relative_to(bundle.folder))] += size
    print(f"{bundle.folder.relative_to(ROOT)}: {sum(files.values()) / 1e6:.1f} MB in {len(files):,} files")
    for part, size in parts.most_common():
        if size >= 1e6:
            print(f"{size / 1e6:8.1f} MB  {part}")
    print(f"The {_LARGEST} largest files:")
    for path, size in sorted(files.items(), key=lambda item: -item[1])[:_LARGEST]:
        print(f"{size / 1e6:8.1f} MB  {path.relative_to(bundle.folder)}")
    if sys.platform == "linux":
        print(f"Needs glibc 2.{max(_glibcs(files))} or newer.")


def _part(path: Path) -> str:
    """What a file belongs to: a package with its libraries, the models, or the system's libraries."""
    first = path.parts[1] if len(path.parts) > 1 else path.name
    if len(path.parts) == 2 and ".so" in first:
        return "Python" if first.startswith("libpython") else "libraries of the system"
    return first.removesuffix(".libs") if first.endswith(".libs") else first


def _glibcs(files: dict[Path, int]) -> Iterator[int]:
    for path in files:
        if _is_native(path):
            yield from (int(minor) for minor in _GLIBC.findall(path.read_bytes()))


if __name__ == "__main__":
    main()
