"""Counted nouns that several pages show."""

from __future__ import annotations

from core.base.i18n import tr_n


def photo_count(photos: int) -> str:
    """A number of photos."""
    return tr_n("{count:,} photo", "{count:,} photos", photos)


def unreadable_count(photos: int) -> str:
    """A number of photos that could not be read."""
    return tr_n("{count:,} unreadable", "{count:,} unreadable", photos)


def waiting_count(photos: int) -> str:
    """A number of photos that are not classified yet."""
    return tr_n("{count:,} waiting", "{count:,} waiting", photos)


def photos_in_classes(photos: int, classes: int) -> str:
    """A number of photos in a number of classes."""
    return tr_n("{photos} in {count:,} class", "{photos} in {count:,} classes", classes, photos=photo_count(photos))
