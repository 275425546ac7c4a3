"""What the doctor finds on machines that are whole and on machines that are not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import core
from core.app.diagnostics import DiagnosticReport, ModelCheck, run_diagnostics
from core.base import paths, settings
from core.base.providers import ComputePrecision, Provider
from core.cli import main
from core.models import library
from core.models.library import Library
from core.models.values import InstalledModel
from tests import composites, tiny

ROOT = Path(core.__file__).parents[1]
BROKEN_IMPORT = """
import importlib.abc, sys
class Broken(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise {error}
sys.meta_path.insert(0, Broken())
from pathlib import Path
from core.base import paths
from core.cli import main
paths.builtin_models = lambda: Path("none")  # opening the shipped ones takes seconds
sys.exit(main(["doctor"]))
"""


@pytest.fixture
def colours() -> InstalledModel:
    """The tiny model, installed and in use."""
    settings.save(settings.Settings(model="colours"), paths.settings_file())
    return library.open_library().install(*tiny.packaged_model("colours"))


@pytest.fixture
def findings_of(tmp_path: Path, home: Path) -> Callable[[], DiagnosticReport]:
    """Examine the person's own models only: opening the shipped ones takes seconds."""
    return lambda: run_diagnostics(Library(tmp_path / "none", home / "models"))


def _model(findings: DiagnosticReport, name: str) -> ModelCheck:
    return next(model for model in findings.models if model.name == name)


@pytest.mark.usefixtures("colours")
def test_a_whole_machine(home: Path, findings_of: Callable[[], DiagnosticReport]) -> None:
    findings = findings_of()
    assert findings.can_classify
    assert findings.tried_on == "colours"
    assert {finding.provider for finding in findings.providers} == set(Provider)
    (cpu,) = (finding for finding in findings.providers if finding.provider is Provider.CPU)
    assert cpu.works
    assert (cpu.backbone, cpu.precision) == ("colours-backbone", ComputePrecision.FLOAT32)
    assert cpu.agreement
    assert cpu.agreement > 0.9999
    assert cpu.milliseconds
    assert _model(findings, "colours") == ModelCheck("colours", is_backbone=False, in_use=True, trouble=None)
    assert {"python", "fovea", "numpy", "pillow"} <= findings.versions.keys()
    assert findings.cores >= 1
    assert all(findings.decoders.values())
    assert [finding.purpose for finding in findings.folders] == ["settings", "models", "cache", "logs"]
    assert all(finding.is_writable and finding.free_bytes for finding in findings.folders)
    assert findings.troubles == ()


@pytest.mark.usefixtures("colours")
def test_the_variants_of_every_backbone_are_checked(tmp_path: Path, home: Path) -> None:
    """The backbone in use comes first; a provider that works with none is listed once, without a backbone."""
    composites.write(tmp_path / "shipped", variants=(composites.int8_variant(),))
    findings = run_diagnostics(Library(tmp_path / "shipped", home / "models"))
    on_cpu = [(one.backbone, one.precision) for one in findings.providers if one.provider is Provider.CPU]
    exact, int8 = ComputePrecision.FLOAT32, ComputePrecision.INT8
    assert on_cpu[0] == ("colours-backbone", exact)
    assert sorted(on_cpu[1:]) == [(composites.NAME, exact), (composites.NAME, int8), (composites.SMALL, exact)]
    assert all(one.works for one in findings.providers if one.backbone)
    unavailable = [one for one in findings.providers if not one.backbone]
    assert len({one.provider for one in unavailable}) == len(unavailable)
    assert {one.provider for one in unavailable}.isdisjoint(one.provider for one in findings.providers if one.backbone)
    assert not any(one.works for one in unavailable)


@pytest.mark.usefixtures("colours")
def test_a_provider_that_does_not_work_has_a_reason_and_a_hint(findings_of: Callable[[], DiagnosticReport]) -> None:
    for finding in findings_of().providers:
        assert finding.works == (finding.trouble is None) == (finding.agreement is not None)
        assert finding.trouble is None or (finding.trouble.what and finding.trouble.hint)


def test_nothing_is_written(colours: InstalledModel, home: Path, findings_of: Callable[[], DiagnosticReport]) -> None:
    before = sorted(home.rglob("*"))
    findings_of()
    assert sorted(home.rglob("*")) == before


def test_a_damaged_backbone_a_missing_head_and_a_card_that_is_none(
    colours: InstalledModel, home: Path, findings_of: Callable[[], DiagnosticReport]
) -> None:
    installed = library.open_library()
    headless = installed.install(*tiny.packaged_model("headless"))
    (headless.folder / tiny.HEAD_FILE).unlink()
    wrong = installed.install(*tiny.packaged_model("wrong"))
    (wrong.folder / "card.json").write_text("[]")
    installed.install(*tiny.packaged_model("sound"))
    (colours.folder / tiny.MODEL_FILE).write_bytes(b"damaged")
    findings = findings_of()
    expected = {name: _model(findings, name).trouble for name in ("colours", "headless", "wrong")}
    assert expected["colours"]
    assert "is damaged or was changed" in expected["colours"].what
    assert expected["headless"]
    assert "missing" in expected["headless"].what
    assert expected["wrong"]
    assert "not a JSON object" in expected["wrong"].what
    assert (findings.tried_on, findings.can_classify) == ("sound", True)


def test_a_backbone_that_does_not_keep_its_promise_is_reported(
    home: Path, findings_of: Callable[[], DiagnosticReport]
) -> None:
    card = tiny.backbone_card(
        golden_features=tiny.golden.encode_features(-1 - tiny.np.ones((2, tiny.WIDTH), tiny.np.float32))
    )
    files = {tiny.HEAD_FILE: tiny.head_bytes(tiny.head()), tiny.MODEL_FILE: tiny.backbone_bytes()}
    settings.save(settings.Settings(model="colours"), paths.settings_file())
    library.open_library().install(tiny.write_card(tiny.model_card("colours", backbone=card)), files)
    findings = findings_of()
    trouble = _model(findings, "colours").trouble
    assert trouble
    assert "reproduce the features in its card" in trouble.what
    assert not any(provider.works for provider in findings.providers)
    assert not findings.can_classify


def test_a_default_model_that_is_not_installed_is_reported(findings_of: Callable[[], DiagnosticReport]) -> None:
    settings.save(settings.Settings(model="gone"), paths.settings_file())
    gone = _model(findings_of(), "gone")
    assert gone.in_use
    assert gone.trouble
    assert "fovea models use" in gone.trouble.hint


def test_a_folder_that_cannot_be_made_is_reported(home: Path, findings_of: Callable[[], DiagnosticReport]) -> None:
    home.write_text("a file where the folder should be")
    findings = findings_of()
    assert not any(finding.is_writable for finding in findings.folders)


@pytest.mark.parametrize(
    ("names", "error", "code"),
    [
        (("onnxruntime",), "ImportError('DLL load failed')", 2),
        (("numpy",), "RuntimeError('built for another processor')", 2),
        (("PIL", "pillow_heif", "tensorflow"), "ImportError('broken files')", 0),
    ],
)
@pytest.mark.usefixtures("colours")
def test_broken_packages_are_findings_and_never_a_crash(names: tuple[str, ...], error: str, code: int) -> None:
    script = BROKEN_IMPORT.format(names=names, error=error)
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, env=os.environ)
    assert ran.returncode == code
    assert error.split("'")[1] in ran.stdout
    assert "processor" in ran.stdout
    assert "folder for" in ran.stdout
    verdict = "Images cannot be classified on this machine." if code else "Images can be classified on this machine."
    assert ran.stdout.endswith(f"{verdict}\n")


@pytest.mark.usefixtures("colours")
def test_two_runtimes_at_once_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("onnxruntime", "onnxruntime-gpu"):
        facts = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(paths, "builtin_models", lambda: tmp_path / "none")
    main(["doctor"])
    assert "each other's files: onnxruntime, onnxruntime-gpu" in capsys.readouterr().out
