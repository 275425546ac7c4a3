"""Into the menus of a real data home and out again, read by the desktop's own programs where they are installed."""

from __future__ import annotations

import configparser
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from core.app.desktop import ICON_SIZES, IMAGE_TYPES, LaunchCommand, install, quote_exec, uninstall
from core.base.errors import StorageError, UsageError
from core.cli import menus
from core.images.listing import IMAGE_SUFFIXES
from gui.__main__ import main
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="these menus are Linux's")

PACKAGE = Path(__file__).resolve().parents[3] / "gui"
ICONS = PACKAGE / "icons" / "fovea"
AWKWARD = (
    "plain",
    "two  words",
    'it\'s "quoted"',
    "back\\slash\\",
    "100% $HOME `id` %F",
    "ünïcode 写真",
    "(a) & b; c | d < e > f ~ * ? #",
)
TYPES_OF_SUFFIXES = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), "image/jpeg"),
    **dict.fromkeys((".tif", ".tiff"), "image/tiff"),
    **dict.fromkeys((".heif", ".hif"), "image/heif"),
    **{f".{name}": f"image/{name}" for name in ("png", "webp", "gif", "bmp", "avif", "heic")},
}


@pytest.fixture(autouse=True)
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's own data folder, and none of the system's."""
    place = tmp_path / "data"
    place.mkdir()
    monkeypatch.setenv("XDG_DATA_HOME", str(place))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "system"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return place


def needed(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not on this machine")
    return found


def keys(entry: Path) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(delimiters="=")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(entry.read_text("utf-8"))
    return parser["Desktop Entry"]


def arguments(value: str) -> list[str]:
    """An `Exec` as the specification says to read it: the escapes of any value, then quotes, then field codes."""
    text, found, inside = value.replace("\\\\", "\\"), [""], False
    characters = iter(text)
    for character in characters:
        if character == '"':
            inside = not inside
        elif character == "\\" and inside:
            found[-1] += next(characters)
        elif character == " " and not inside:
            found.append("")
        else:
            assert inside or character not in "\t\n'\\><~|&;$*?#()`", f"reserved outside quotes: {character}"
            found[-1] += character
    assert not inside
    return [argument if argument == "%F" else argument.replace("%%", "%") for argument in found]


def written(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "mimeinfo.cache"
    }


def test_installing_writes_an_entry_and_an_icon_of_each_size(data_home: Path) -> None:
    done = install(LaunchCommand(("/opt/fovea/fovea",)), ICONS)
    assert done.entry == data_home / "applications" / "fovea.desktop"
    assert set(written(data_home)) == {
        "applications/fovea.desktop",
        *(f"icons/hicolor/{size}x{size}/apps/fovea.png" for size in ICON_SIZES),
    }
    assert keys(done.entry)["Exec"] == "/opt/fovea/fovea %F"
    assert keys(done.entry)["TryExec"] == "/opt/fovea/fovea"
    assert keys(done.entry)["Icon"] == "fovea"
    assert "Path" not in keys(done.entry)


def test_every_image_that_fovea_reads_has_its_type_in_the_entry(data_home: Path) -> None:
    assert set(TYPES_OF_SUFFIXES) == IMAGE_SUFFIXES
    assert set(TYPES_OF_SUFFIXES.values()) == set(IMAGE_TYPES)
    entry = install(LaunchCommand(("/opt/fovea",)), ICONS).entry
    assert keys(entry)["MimeType"].removesuffix(";").split(";") == list(IMAGE_TYPES)


def test_without_the_part_that_reads_heic_it_is_not_offered_for_it(
    data_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    run("--install")
    kinds = keys(data_home / "applications" / "fovea.desktop")["MimeType"]
    assert "image/jpeg" in kinds
    assert "heic" not in kinds


@pytest.mark.parametrize("name", AWKWARD)
def test_any_path_is_read_back_as_it_is(name: str, tmp_path: Path) -> None:
    program, folder = str(tmp_path / name / "fovea"), tmp_path / name
    entry = install(LaunchCommand((program, "-m", "gui"), folder), ICONS).entry
    front = ["env"] if "%" in name else []
    assert arguments(keys(entry)["Exec"]) == [*front, program, "-m", "gui", "%F"]
    assert keys(entry)["TryExec"].replace("\\\\", "\\") == program
    assert keys(entry)["Path"].replace("\\\\", "\\") == str(folder)


def test_quotes_are_only_where_they_are_needed() -> None:
    assert quote_exec("/opt/fovea-1.0/fovea") == "/opt/fovea-1.0/fovea"
    assert quote_exec("") == '""'
    assert quote_exec('a "b" $c \\ `d`') == '"a \\"b\\" \\$c \\\\ \\`d\\`"'
    assert quote_exec("50%") == "50%%"


@pytest.mark.parametrize("name", AWKWARD)
def test_a_desktop_finds_no_fault_and_starts_the_right_program(name: str, tmp_path: Path) -> None:
    validate, gio = needed("desktop-file-validate"), needed("gio")
    program, output = tmp_path / name / "fovea", tmp_path / "output"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nprintf "%s\\0" "$PWD" "$0" "$@" > "{output}.part" && mv "{output}.part" "{output}"\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    entry = install(LaunchCommand((str(program), "one argument"), program.parent), ICONS).entry
    checked = subprocess.run([validate, entry], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert (checked.returncode, checked.stdout) == (0, "")
    photos = [tmp_path / "a b.jpg", tmp_path / "100%.jpg"]
    subprocess.run([gio, "launch", entry, *photos], timeout=PATIENCE_S, check=True)
    for _ in range(200):
        if output.exists():
            break
        time.sleep(0.05)
    assert output.read_text("utf-8").split("\0")[:-1] == [
        str(program.parent),
        str(program),
        "one argument",
        *map(str, photos),
    ]


@pytest.mark.parametrize("path", ["/opt/a=b/fovea", "/opt/a\nb/fovea", os.fsdecode(b"/opt/\xff/fovea")])
def test_a_path_that_no_entry_can_hold_is_refused(path: str, data_home: Path) -> None:
    with pytest.raises(UsageError, match="can't start") as caught:
        install(LaunchCommand((path,)), ICONS)
    assert "Move Fovea" in caught.value.hint
    assert written(data_home) == {}


def test_uninstalling_removes_what_installing_wrote_and_nothing_else(data_home: Path) -> None:
    others = data_home / "icons" / "hicolor" / "48x48" / "apps" / "other.png"
    others.parent.mkdir(parents=True)
    others.write_bytes(b"other")
    (data_home / "applications").mkdir()
    (data_home / "applications" / "other.desktop").write_bytes(b"[Desktop Entry]\n")
    before = written(data_home)
    install(LaunchCommand(("/opt/fovea",)), ICONS)
    install(LaunchCommand(("/opt/fovea",)), ICONS)
    assert len(uninstall()) == 1 + len(ICON_SIZES)
    assert written(data_home) == before
    assert [path.name for path in (data_home / "icons" / "hicolor").iterdir()] == ["48x48"]
    assert uninstall() == ()


def test_an_entry_that_somebody_else_wrote_is_left_alone(data_home: Path) -> None:
    entry = data_home / "applications" / "fovea.desktop"
    entry.parent.mkdir()
    entry.write_bytes(b"[Desktop Entry]\nName=Mine\n")
    for act in (lambda: install(LaunchCommand(("/opt/fovea",)), ICONS), uninstall):
        with pytest.raises(StorageError, match="not created by Fovea"):
            act()
    assert written(data_home) == {"applications/fovea.desktop": b"[Desktop Entry]\nName=Mine\n"}


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """The system's entries: a viewer of PNG and JPEG that nobody has chosen."""
    needed("xdg-mime")
    place = tmp_path / "system" / "applications"
    place.mkdir(parents=True)
    program(tmp_path)
    (place / "viewer.desktop").write_text(
        f"[Desktop Entry]\nType=Application\nName=V\nExec={program(tmp_path)} %f\nMimeType=image/png;image/jpeg;\n"
    )
    subprocess.run([needed("update-desktop-database"), place], timeout=PATIENCE_S, check=True)
    return place


def program(folder: Path) -> Path:
    made = folder / "a-program"
    made.touch(0o755)
    return made


def test_what_opens_images_by_itself_stays_where_nobody_chose_it(data_home: Path, system: Path, tmp_path: Path) -> None:
    """A desktop takes what it finds first then, and looks at a person's own programs first."""
    done = install(LaunchCommand((str(program(tmp_path)),)), ICONS)
    assert opener("image/png") == opener("image/jpeg") == "viewer.desktop"
    assert done.skipped == ("image/jpeg", "image/png")
    assert "image/webp;" in keys(done.entry)["MimeType"], "nothing else opens these"
    assert install(LaunchCommand((str(program(tmp_path)),)), ICONS) == done
    assert not (tmp_path / "config").exists(), "no default is written down"
    assert not (data_home / "applications" / "mimeapps.list").exists()


def test_fovea_is_offered_for_every_image_where_a_program_is_chosen(
    system: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "ubuntu:GNOME")
    (system / "gnome-mimeapps.list").write_text(
        "[Default Applications]\nimage/png=viewer.desktop\nimage/jpeg=viewer.desktop\n"
    )
    done = install(LaunchCommand((str(program(tmp_path)),)), ICONS)
    assert done.skipped == ()
    assert opener("image/png") == "viewer.desktop"


def opener(kind: str) -> str:
    done = subprocess.run(
        ["xdg-mime", "query", "default", kind], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    return done.stdout.strip()


def test_a_system_without_any_of_the_desktops_programs_is_no_failure(
    data_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    install(LaunchCommand(("/opt/fovea",)), ICONS)
    assert "applications/fovea.desktop" in written(data_home)
    assert uninstall()
    assert list(data_home.iterdir()) == []


@pytest.mark.parametrize("body", ["exit 3", "echo nonsense; kill -9 $$"])
def test_programs_of_the_desktop_that_fail_are_no_failure(
    body: str, data_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("update-desktop-database", "gtk-update-icon-cache", "xdg-mime"):
        (programs / name).write_text(f"#!/bin/sh\n{body}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/bin:/usr/bin")
    assert install(LaunchCommand(("/opt/fovea",)), ICONS).skipped == ()
    assert uninstall()


def test_a_cache_of_icons_is_renewed_and_none_is_made(data_home: Path) -> None:
    needed("gtk-update-icon-cache")
    theme = data_home / "icons" / "hicolor"
    install(LaunchCommand(("/opt/fovea",)), ICONS)
    assert not (theme / "icon-theme.cache").exists()
    (theme / "icon-theme.cache").write_bytes(b"old")
    install(LaunchCommand(("/opt/fovea",)), ICONS)
    assert b"fovea" in (theme / "icon-theme.cache").read_bytes()


def test_a_data_home_that_is_no_whole_path_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "share")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert install(LaunchCommand(("/opt/fovea",)), ICONS).entry == tmp_path / ".local/share/applications/fovea.desktop"


def run(*given: str) -> int:
    return main(list(given))


def test_the_command_installs_this_very_program_and_says_so(
    data_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--install") == 0
    entry = keys(data_home / "applications" / "fovea.desktop")
    assert arguments(entry["Exec"]) == [sys.executable, "-m", "gui", "%F"]
    assert entry["Path"] == str(PACKAGE.parent)
    said = capsys.readouterr()
    assert said.out == ""
    assert str(data_home) in said.err
    assert "--uninstall" in said.err
    assert run("--uninstall") == 0
    assert "(9 files)" in capsys.readouterr().err
    assert run("--uninstall") == 0
    assert "is not in your menus" in capsys.readouterr().err


def test_what_the_command_names_starts_the_program(data_home: Path, tmp_path: Path) -> None:
    run("--install")
    entry = keys(data_home / "applications" / "fovea.desktop")
    command: Sequence[str] = [*arguments(entry["Exec"])[:-1], "--version"]
    done = subprocess.run(command, cwd=entry["Path"], capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    assert done.stdout.startswith("fovea ")


def test_a_bundle_is_started_by_its_own_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path / "_internal"), raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "fovea"))
    assert LaunchCommand.for_this_program(PACKAGE) == LaunchCommand((str(tmp_path / "fovea"),), None)


def test_what_cannot_be_written_is_reported_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    assert run("--install") == 2
    assert "XDG_DATA_HOME" in capsys.readouterr().err


@pytest.mark.parametrize(("system", "advice"), [("win32", "installer"), ("darwin", "Applications")])
def test_elsewhere_it_is_refused(
    system: str, advice: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], data_home: Path
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    for wish in ("--install", "--uninstall"):
        assert menus.run(wish, PACKAGE) == 2
        assert advice in capsys.readouterr().err
    assert written(data_home) == {}
