"""Where the classes of the images in a folder come from."""

from __future__ import annotations

from enum import StrEnum


class LabelSource(StrEnum):
    """Where the classes of images come from; only the first gives each image exactly one."""

    FOLDER = "folder"
    """The folder that the image is in, or its name."""
    FOLDERS = "folders"
    """All folders that have a copy of the image."""
    FILE = "file"
    """A table, see `core.datasets.label_table`."""
    KEYWORDS = "keywords"
    """The keywords in the images and their sidecars."""

    @property
    def is_multi_label(self) -> bool:
        """Whether an image may have none, one or several classes."""
        return self is not LabelSource.FOLDER
