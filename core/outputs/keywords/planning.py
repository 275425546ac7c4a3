"""What is to be done for a photo to have its keyword; files are read here, and none is changed."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.base.text import printable
from core.outputs.keywords.exiftool import Answer, KeywordError
from core.outputs.keywords.files import Edit, Trouble
from core.outputs.keywords.merging import Copying, changes, keyword
from core.outputs.keywords.reading import Look, Seed
from core.outputs.keywords.record import Record
from core.outputs.keywords.tags import NOTHING, SUFFIXES, Metadata
from core.outputs.keywords.values import SIDECAR_SUFFIX, Done, Kept, KeywordOutcome, Place, Wish
from core.prediction import Failure

_CHECK_PHOTO: Final = "Check that the photo can be opened and that you may write to its folder."
_CHECK_SIDECAR: Final = "Repair or delete the sidecar, then write keywords again."
_SHORTEN: Final = "Give the photo a shorter name, or write the keyword into the photo itself (--in-place)."


@dataclass(frozen=True, slots=True)
class Plan:
    """What comes of a wish if all goes well, and what is to be done for that.

    Attributes:
        look: what it was planned by.
        outcome: what comes of it.
        edits: files that are to be changed, one or two.
        leaves: whether the sidecar is deleted, as Fovea began it and it will hold nothing else.
    """

    look: Look
    outcome: KeywordOutcome
    edits: tuple[Edit, ...] = ()
    leaves: bool = False

    @property
    def is_in_place(self) -> bool:
        """Whether the keyword goes into the photo itself."""
        return (
            isinstance(self.outcome, Kept) and self.outcome.label is not None and self.outcome.file == self.look.photo
        )

    @property
    def cleared(self) -> tuple[Path, ...]:
        """The files that will hold nothing of Fovea's."""
        if isinstance(self.outcome, Failure):
            return ()
        files = self.look.photo, self.look.sidecar
        return tuple(file for file in files if self.outcome.label is None or file != self.outcome.file)


def place_for(look: Look, wanted: Place) -> tuple[Place, str]:
    """Where the keyword goes, and why not where it was wanted."""
    inside = look.inside
    if wanted is Place.SIDECAR or look.wish.label is None or inside is None:
        return wanted, ""
    if look.photo in look.outside:
        return Place.SIDECAR, "It is a link to a photo outside the folder."
    if isinstance(inside, Answer):
        return Place.SIDECAR, f"Its own metadata cannot be read: {inside.reason}."
    if inside.kind not in SUFFIXES:
        return Place.SIDECAR, f"No keywords are written into {inside.kind or 'its kind of file'}."
    if not look.photo.stat().st_mode & 0o222 or not os.access(look.photo, os.W_OK):
        return Place.SIDECAR, "The photo is read-only."
    return Place.PHOTO, ""


def plan(look: Look, place: Place, remark: str, seed: Seed, record: Record) -> Plan:
    """What is to be done.

    Args:
        look: what was found.
        place: where the keyword is to go, see `place_for`.
        remark: why it is not the place that was asked for; empty where it is.
        seed: what a new sidecar begins with.
        record: knows which sidecars Fovea began before they said so themselves.
    """
    label = look.wish.label
    if look.inside is None and (label is not None or look.beside is None):
        return Plan(look, failure(look.wish, "it is not there"))
    if look.sidecar in look.outside:
        return Plan(look, failure(look.wish, "it lies outside the folder"))
    inside, beside = (None, label) if place is Place.SIDECAR else (label, None)
    reason, hint = _refusal(look) if beside is not None else ("", "")
    if reason:
        return Plan(look, failure(look.wish, reason, hint))
    began = _began(look, record)
    leaves = began and beside is None and _says_nothing_else(look)
    edits = () if remark else _photo_edit(look, inside)
    edits += () if leaves else _sidecar_edit(look, beside, seed, began=began)
    if closed := next((edit for edit in edits if not os.access(edit.file.parent, os.W_OK)), None):
        return Plan(look, failure(look.wish, f"you may not write to “{printable(closed.file.parent)}”"))
    remark = remark or _broken_sidecar(look)
    return Plan(look, _outcome(look, place, edits, remark, leaves=leaves), edits, leaves)


def failure(wish: Wish, reason: str, hint: str = "") -> Failure:
    """Why a wish was not fulfilled."""
    what = f"Couldn't {'write' if wish.label else 'remove'} the keyword of “{printable(wish.photo.name)}”: {reason}."
    return Failure.of(wish.photo, KeywordError(what, hint=hint or _CHECK_PHOTO))


def edit_failure(wish: Wish, edit: Edit, trouble: Trouble) -> Failure:
    """Why a file could not be changed; it is named where it is not the photo."""
    if edit.suffix != SIDECAR_SUFFIX or edit.is_new:
        return failure(wish, trouble.reason)
    what = f"its sidecar “{printable(edit.file.name)}” could not be changed: {trouble.reason}"
    return failure(wish, what, _CHECK_SIDECAR if trouble.is_refused else "")


def _refusal(look: Look) -> tuple[str, str]:
    """Why no keyword can be written into the sidecar, and what to do; both empty where it can be."""
    name = printable(look.sidecar.name)
    try:
        look.sidecar.lstat()
    except FileNotFoundError:
        return "", ""
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return "the name of its sidecar would be too long", _SHORTEN
        return f"its sidecar “{name}” cannot be read: {error.strerror}", _CHECK_SIDECAR
    if look.beside is None:
        return f"“{name}” is no file", _CHECK_SIDECAR
    if isinstance(look.beside, Answer):
        return f"its sidecar “{name}” cannot be read: {look.beside.reason}", _CHECK_SIDECAR
    if look.beside.kind == "XMP":
        return "", ""
    return f"its sidecar “{name}” is {'no XMP' if look.beside.kind else 'empty'}", _CHECK_SIDECAR


def _broken_sidecar(look: Look) -> str:
    """That a sidecar is beside a photo which is written into, and says nothing that can be read."""
    is_broken = isinstance(look.beside, Answer) or (look.beside is not None and look.beside.kind not in ("", "XMP"))
    name = printable(look.sidecar.name)
    return f"Its sidecar “{name}” cannot be read and was left as it is." if is_broken else ""


def _began(look: Look, record: Record) -> bool:
    """Whether Fovea began the sidecar that is there."""
    if not isinstance(look.beside, Metadata):
        return False
    return bool(look.beside.begun) or record.begun_by_us(look.sidecar)


def _says_nothing_else(look: Look) -> bool:
    """Whether a sidecar that Fovea began says only what it began with, beside what is Fovea's."""
    return isinstance(look.beside, Metadata) and look.beside.rest == (look.beside.begun or NOTHING.rest)


def _photo_edit(look: Look, label: str | None) -> tuple[Edit, ...]:
    if not isinstance(look.inside, Metadata) or look.photo in look.outside:
        return ()
    planned = changes(look.inside.found, label)
    suffix = SUFFIXES.get(look.inside.kind, look.photo.suffix)
    edit = Edit(look.wish.photo, look.photo, planned, suffix, is_doubtful=bool(look.inside.warning))
    return () if planned.is_empty else (edit,)


def _sidecar_edit(look: Look, label: str | None, seed: Seed, *, began: bool) -> tuple[Edit, ...]:
    if look.beside is None:
        return () if label is None else (_new_sidecar(look, label, seed),)
    if not isinstance(look.beside, Metadata):
        return ()
    planned = changes(look.found_beside, label, Copying.NONE if look.beside.begun else Copying.EMPTY)
    is_marked = label is None and bool(look.beside.begun)
    mark = (look.beside.begun or NOTHING.rest) if began and label is not None else "" if is_marked else None
    is_doubtful = bool(look.beside.warning)
    edit = Edit(look.wish.photo, look.sidecar, planned, begun=mark, is_doubtful=is_doubtful)
    return () if planned.is_empty and not is_marked else (edit,)


def _new_sidecar(look: Look, label: str, seed: Seed) -> Edit:
    """A sidecar that hides nothing: it begins with what programs that let sidecars win read before."""
    content, says = seed
    found = replace(says.found, elsewhere=look.found_inside.shown)
    planned = changes(found, label, Copying.ALL)
    return Edit(look.wish.photo, look.sidecar, planned, begun=says.rest, seed=content)


def _outcome(look: Look, place: Place, edits: Sequence[Edit], remark: str, *, leaves: bool) -> Kept:
    wish = look.wish
    had = not (look.found_inside.ours.is_empty and look.found_beside.ours.is_empty)
    file = look.photo if place is Place.PHOTO else look.sidecar
    if wish.label is None and (edits or leaves):
        file = edits[0].file if edits else look.sidecar
    label = None if wish.label is None else keyword(wish.label)
    if not edits and not leaves:
        done = Done.UNCHANGED
    elif wish.label is None:
        done = Done.REMOVED
    else:
        done = Done.CHANGED if had else Done.ADDED
    return Kept(wish.photo, file, label, done, remark)
