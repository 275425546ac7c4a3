"""What is made for Windows and macOS, as far as that can be read anywhere: nothing here runs an installer."""

from __future__ import annotations

import importlib.util
import os
import plistlib
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from core.images.listing import IMAGE_SUFFIXES
from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
INSTALLER = (PACKAGING / "windows" / "fovea.iss").read_text("utf-8")
WORKFLOW = (ROOT / ".github" / "workflows" / "bundle.yml").read_text("utf-8")


def module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"fovea_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_windows_offers_fovea_for_every_image_it_reads() -> None:
    offered = re.findall(r'Classes\\(\.\w+)\\OpenWithProgids"; .*ValueName: "Fovea\.Image"', INSTALLER)
    supported = re.findall(r'SupportedTypes"; .*ValueName: "(\.\w+)"', INSTALLER)
    assert sorted(offered) == sorted(supported) == sorted(IMAGE_SUFFIXES)


def test_windows_keeps_what_opens_images_by_itself() -> None:
    """A suffix's own value would be the default program."""
    assert not re.search(r'Classes\\\.\w+"', INSTALLER)
    assert "UserChoice" not in INSTALLER


def test_the_installer_leaves_nothing_in_the_registry_and_asks_for_no_rights() -> None:
    keys = [(line.split('"')[1], line) for line in INSTALLER.splitlines() if line.startswith("Root:")]
    owned = [key for key, line in keys if re.search(r"uninsdeletekey\b", line)]
    kept = [key for key, line in keys if not key.startswith(tuple(owned)) and "uninsdeletevalue" not in line]
    assert owned
    assert kept == []
    assert "PrivilegesRequired=lowest" in INSTALLER
    assert all(line.startswith("Root: HKA;") for _, line in keys)


def test_windows_is_told_the_version_in_four_numbers() -> None:
    numbers = module(PACKAGING / "windows" / "version.py").numbers
    assert numbers("0.1.0") == (0, 1, 0, 0)
    assert numbers("1.2rc1") == (1, 2, 0, 0)
    assert numbers("1.2.3.4.5") == (1, 2, 3, 4)
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert any(numbers(stated))


def test_a_person_may_put_their_own_qt_in_place_of_ours() -> None:
    allowed = plistlib.loads((PACKAGING / "macos" / "entitlements.plist").read_bytes())
    assert allowed["com.apple.security.cs.disable-library-validation"] is True


@pytest.mark.parametrize("wish", ["sign", "notarise"])
def test_without_secrets_nothing_is_signed_and_that_is_said(wish: str, tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not on this machine")
    (tmp_path / "program").write_bytes(b"as it was")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FOVEA_")}
    command = [bash, PACKAGING / "macos" / "sign.sh", wish, tmp_path]
    done = subprocess.run(command, env=clean, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0
    assert "nothing done" in done.stderr
    assert (tmp_path / "program").read_bytes() == b"as it was"


def test_every_system_builds_and_proves_its_bundle() -> None:
    for system in ("linux", "windows", "macos"):
        assert f"system: {system}," in WORKFLOW
    assert "packaging/build.py" in WORKFLOW
    assert "--self-check" in WORKFLOW
    uses = re.findall(r"uses: (\S+)", WORKFLOW)
    assert uses
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", used) for used in uses)
