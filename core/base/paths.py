"""Where the program reads what it ships and writes what is the person's."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

_APP = "fovea"


def builtin_models() -> Path:
    """The folder of the models that come with the program."""
    return Path(__file__).resolve().parents[2] / "models"


def settings_file() -> Path:
    """The person's settings, as JSON."""
    return _resolve(platformdirs.user_config_path(_APP), "") / "settings.json"


def window_file() -> Path:
    """Where the window stood and how large it was."""
    return settings_file().with_name("window.ini")


def window_lock() -> Path:
    """Held by the one process whose window takes what later starts of the program are given."""
    return settings_file().with_name("window.lock")


def user_models() -> Path:
    """The folder of the models the person trained or imported."""
    return _resolve(platformdirs.user_data_path(_APP), "models", inside="models")


def corrections() -> Path:
    """Answers that the person put right, one file for each model that gave them."""
    return _resolve(platformdirs.user_data_path(_APP), "corrections", inside="corrections")


def unfinished_runs() -> Path:
    """What trainings that are under way, or were interrupted, need to go on."""
    return _resolve(platformdirs.user_data_path(_APP), "runs", inside="runs")


def jobs() -> Path:
    """What jobs keep: one folder for each classification of a folder, with its journal."""
    return _resolve(platformdirs.user_data_path(_APP), "jobs", inside="jobs")


def sortings() -> Path:
    """The records of sortings, from which each can go on or be undone."""
    return _resolve(platformdirs.user_data_path(_APP), "sortings", inside="sortings")


def pasted_images() -> Path:
    """Images that came as pixels (clipboard, dragged out of another program) and have no file of their own."""
    return _resolve(platformdirs.user_data_path(_APP), "pasted", inside="pasted")


def label_overrides() -> Path:
    """What the person decided about photos of labelled folders."""
    return _resolve(platformdirs.user_data_path(_APP), "amendments", inside="amendments")


def custom_datasets() -> Path:
    """Folders of labelled photos that were put together in the window."""
    return _resolve(platformdirs.user_data_path(_APP), "photos", inside="photos")


def keyword_record() -> Path:
    """Which photos hold keywords of ours, and in which file."""
    return _resolve(platformdirs.user_data_path(_APP), "") / "keywords.sqlite3"


def cache_folder() -> Path:
    """What can be computed again: provider choices, features."""
    return _resolve(platformdirs.user_cache_path(_APP), "cache")


def log_folder() -> Path:
    """Logs of the window and its helpers."""
    return _resolve(platformdirs.user_log_path(_APP), "logs")


def _resolve(default: Path, name: str, *, inside: str = "") -> Path:
    """The usual place on this system, or the folder `name` in FOVEA_HOME where that is set."""
    home = os.environ.get("FOVEA_HOME")
    return Path(home).expanduser().absolute() / name if home else default / inside
