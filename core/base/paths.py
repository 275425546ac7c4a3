"""The folders and files of the program: what it ships, and what it writes for the user."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

_APP = "fovea"


def builtin_models() -> Path:
    """The folder of the built-in models."""
    return Path(__file__).resolve().parents[2] / "models"


def builtin_detector() -> Path:
    """The folder of the built-in detector."""
    return builtin_models() / "ssd-mobilenet-v2"


def settings_file() -> Path:
    """The user's settings, as JSON."""
    return _resolve(platformdirs.user_config_path(_APP), "") / "settings.json"


def window_file() -> Path:
    """The position and size of the window."""
    return settings_file().with_name("window.ini")


def window_lock() -> Path:
    """The lock of the running window, which opens the files passed to later starts of the program."""
    return settings_file().with_name("window.lock")


def photo_list_file() -> Path:
    """The list of photos in the window."""
    return settings_file().with_name("photos.json")


def user_models() -> Path:
    """The folder of the models the user trained or imported."""
    return _resolve(platformdirs.user_data_path(_APP), "models", inside="models")


def labels_file() -> Path:
    """The user's labels for photos."""
    return _resolve(platformdirs.user_data_path(_APP), "") / "labels.sqlite3"


def corrections() -> Path:
    """The user's corrections in Fovea 0.1, one file for each model; only read, see `core.datasets.label_migration`."""
    return _resolve(platformdirs.user_data_path(_APP), "corrections", inside="corrections")


def unfinished_runs() -> Path:
    """The state of running and interrupted trainings, from which they are resumed."""
    return _resolve(platformdirs.user_data_path(_APP), "runs", inside="runs")


def jobs() -> Path:
    """The jobs: one folder per classified folder, with its journal."""
    return _resolve(platformdirs.user_data_path(_APP), "jobs", inside="jobs")


def sortings() -> Path:
    """The records of sortings, from which they are resumed or undone."""
    return _resolve(platformdirs.user_data_path(_APP), "sortings", inside="sortings")


def pasted_images() -> Path:
    """Images that came as pixels (from the clipboard or another program) and have no file of their own."""
    return _resolve(platformdirs.user_data_path(_APP), "pasted", inside="pasted")


def label_overrides() -> Path:
    """The user's label overrides in Fovea 0.1, one file for each folder; only read."""
    return _resolve(platformdirs.user_data_path(_APP), "amendments", inside="amendments")


def custom_datasets() -> Path:
    """Datasets assembled in the window."""
    return _resolve(platformdirs.user_data_path(_APP), "photos", inside="photos")


def keyword_record() -> Path:
    """The record of which photos have keywords of Fovea, and in which file."""
    return _resolve(platformdirs.user_data_path(_APP), "") / "keywords.sqlite3"


def cache_folder() -> Path:
    """What can be recomputed: provider choices, features."""
    return _resolve(platformdirs.user_cache_path(_APP), "cache")


def log_folder() -> Path:
    """The logs of the window and its helper processes."""
    return _resolve(platformdirs.user_log_path(_APP), "logs")


def is_own(path: Path) -> bool:
    """Whether a file is in a folder that Fovea writes to by itself."""
    folders = (settings_file().parent, user_models().parent, cache_folder(), log_folder())
    return any(Path(os.path.abspath(path)).is_relative_to(folder) for folder in folders)  # noqa: PTH100


def _resolve(default: Path, name: str, *, inside: str = "") -> Path:
    """The system's default folder, or the folder `name` in FOVEA_HOME if that is set."""
    home = os.environ.get("FOVEA_HOME")
    return Path(home).expanduser().absolute() / name if home else default / inside
