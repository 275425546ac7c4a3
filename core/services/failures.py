"""Failures as the window can read them."""

from __future__ import annotations

from core.errors import FoveaError, ImageError


def light(error: FoveaError) -> FoveaError:
    """The error as one of a family that the window knows, without what only the core can read."""
    if isinstance(error, ImageError):
        return error
    families = (base for base in type(error).__mro__ if base.__module__ == FoveaError.__module__)
    family: type[FoveaError] = next(families)
    return family(error.what, hint=error.hint)


def unforeseen(error: Exception) -> FoveaError:
    """What a person is told of an error that nobody expected."""
    what = f"Something unforeseen happened: {type(error).__name__}: {error}"
    return FoveaError(what, hint="Try again; if it happens again, report it with these words.")
