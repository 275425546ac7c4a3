"""Moving one photo to its target, and back; never replaces existing files or removes changed ones."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path
from typing import Final

from core.base.hashing import file_sha256
from core.base.i18n import mark, tr
from core.base.storage import keep_owner, sync_folder
from core.base.text import display_path
from core.outputs.sorting.entries import Move, MoveState
from core.outputs.sorting.values import TransferMode

_BLOCK: Final = 1024**2
_CHANGED: Final = mark("It was changed after sorting.")
_ONLY: Final = mark("Its original is missing or was changed, so this may be the only copy.")


class ContentMismatchError(OSError):
    """A copy differs from its original."""


def perform_move(move: Move, mode: TransferMode, part: str) -> Move:
    """Transfer a photo to its target, in an existing folder, and return the move, done.

    `part` is the name of the incomplete file next to the target.

    Raises:
        OSError: it failed; the photo is at its source.
    """
    sha256_ = ""
    match mode:
        case TransferMode.COPY:
            sha256_ = _copy(move.source, move.target, part)
        case TransferMode.HARDLINK:
            os.link(os.path.realpath(move.source), move.target)
        case TransferMode.SYMLINK:
            move.target.symlink_to(_link_target(move))
        case TransferMode.MOVE:
            sha256_ = _relocate(move.source, move.target, part)
    return replace(move, state=MoveState.DONE, after=status(move.target), sha256=sha256_)


def _link_target(move: Move) -> Path:
    """The target of a symbolic link. Relative if photo and link are on one disk and in one folder, so that it stays
    valid when that folder is moved or shared; otherwise absolute, so that the link itself can be moved.
    """
    try:
        top = os.path.commonpath([move.source, move.target])
        if Path(top).parent == Path(top) or move.source.lstat().st_dev != move.target.parent.stat().st_dev:
            return move.source
        relative = Path(os.path.relpath(move.source, move.target.parent))
        return relative if (move.target.parent / relative).samefile(move.source) else move.source
    except (OSError, ValueError):
        return move.source


def _leads_to(link: Path, file: Path) -> bool:
    """Whether a path is a link to a file, as created by sorting, in earlier versions always with an absolute target."""
    return link.is_symlink() and Path(os.path.normpath(link.parent / link.readlink())) == file


def recover_move(move: Move, mode: TransferMode, part: str) -> Move:
    """Determine the state of a move that was started when the program died, and remove an incomplete file.

    Returns the move: done, waiting again, or failed because another file took its place.
    """
    move.target.with_name(part).unlink(missing_ok=True)
    if not os.path.lexists(move.target):
        return replace(move, state=MoveState.WAITING)
    if not _is_own(move, mode):
        return replace(move, state=MoveState.FAILED, reason=tr("Another file with this name now exists."))
    if mode is TransferMode.MOVE and os.path.lexists(move.source):
        sync_folder(move.target.parent)
        move.source.unlink()
    sum_ = file_sha256(move.target) if mode is TransferMode.COPY else ""
    return replace(move, state=MoveState.DONE, after=status(move.target), sha256=sum_)


def undo_move(move: Move, mode: TransferMode, part: str) -> Move:
    """Undo a move that is done, or was being undone when the program died; it is then undone, or kept for a reason.

    `part` is the name of the incomplete file next to the source. Raises OSError if it cannot be undone.
    """
    reason = _move_back(move, part) if mode is TransferMode.MOVE else _remove_target(move, mode)
    return replace(move, state=MoveState.KEPT if reason else MoveState.UNDONE, reason=reason)


def status(path: Path) -> str:
    """Size, times and inode of a file, to detect changes; empty if it does not exist."""
    try:
        found = path.lstat()
    except OSError:
        return ""
    changed = 0 if os.name == "nt" else found.st_ctime_ns  # on Windows, this is the creation time
    return f"{found.st_size} {found.st_mtime_ns} {changed} {found.st_ino} {found.st_dev}"


def _remove_target(move: Move, mode: TransferMode) -> str:
    """Remove a copy or link if the original exists, or return why not."""
    if not os.path.lexists(move.target):
        return ""
    match mode:
        case TransferMode.SYMLINK:
            reason = "" if _leads_to(move.target, move.source) else _CHANGED
        case TransferMode.HARDLINK:
            reason = "" if _same_file(move.source, move.target) else _ONLY
        case _:
            reason = "" if _unchanged(move.target, move.after, move.sha256) else _CHANGED
            reason = reason or ("" if _unchanged(move.source, move.before, move.sha256) else _ONLY)
    if not reason:
        move.target.unlink()
    return tr(reason) if reason else ""


def _move_back(move: Move, part: str) -> str:
    if move.state is MoveState.UNDOING and os.path.lexists(move.source):
        move.source.with_name(part).unlink(missing_ok=True)
        if not os.path.lexists(move.target):
            return ""
        if _same_file(move.source, move.target) or _same_bytes(move.source, move.target):
            move.target.unlink()
            return ""
    if not os.path.lexists(move.target):
        return tr("The file no longer exists.")
    if os.path.lexists(move.source):
        return tr("Another file now exists at {path}.", path=display_path(move.source))
    if not move.follows and not _unchanged(move.target, move.after, move.sha256):
        return tr(_CHANGED)
    move.source.parent.mkdir(parents=True, exist_ok=True)
    move.source.with_name(part).unlink(missing_ok=True)
    _relocate(move.target, move.source, part)
    return ""


def _copy(source: Path, target: Path, part: str) -> str:
    """Copy a file atomically with its times, permissions and owner, and return its SHA-256."""
    beside = target.with_name(part)
    beside.unlink(missing_ok=True)
    try:
        with source.open("rb") as reading, beside.open("xb") as writing:
            before, sum_ = os.fstat(reading.fileno()), hashlib.sha256()
            while block := reading.read(_BLOCK):
                sum_.update(block)
                writing.write(block)
            writing.flush()
            keep_owner(before, beside)
            with contextlib.suppress(OSError):  # permissions and flags, as far as that file system supports them
                shutil.copystat(source, beside)
            os.utime(beside, ns=(before.st_atime_ns, before.st_mtime_ns))
            os.fsync(writing.fileno())
        _check_unchanged(before, source.stat())
        _publish(beside, target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return sum_.hexdigest()


def _relocate(source: Path, target: Path, part: str) -> str:
    """Move a file, across disks by a verified copy; return its SHA-256 if it was read."""
    try:
        if source.lstat().st_dev == target.parent.stat().st_dev:
            _publish(source, target)
            return ""
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    sum_ = _copy(source, target, part)
    if file_sha256(target) != sum_:
        target.unlink()
        raise ContentMismatchError(errno.EIO, tr("the copy differs from the photo"))
    sync_folder(target.parent)
    _remove(source, target)
    return sum_


def _check_unchanged(before: os.stat_result, after: os.stat_result) -> None:
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise ContentMismatchError(errno.EBUSY, tr("the file was changed while it was copied"))


def _remove(file: Path, other: Path) -> None:
    """Remove a file that exists twice; if that fails, remove the other one."""
    try:
        file.unlink()
    except OSError:
        other.unlink()
        raise


def _publish(file: Path, name: Path) -> None:
    """Rename a file without replacing another one. Creating a hard link and removing the old name works on every
    system; on file systems without hard links, check first.
    """
    try:
        os.link(file, name)
    except FileExistsError:
        raise
    except OSError:
        if os.path.lexists(name):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(name)) from None
        file.rename(name)
    else:
        _remove(file, name)


def _is_own(move: Move, mode: TransferMode) -> bool:
    if mode is TransferMode.SYMLINK:
        return _leads_to(move.target, move.source)
    if move.target.is_symlink() or not stat.S_ISREG(move.target.stat().st_mode):
        return False
    if _same_file(move.source, move.target):
        return mode is not TransferMode.COPY
    if mode is TransferMode.HARDLINK:
        return False
    if os.path.lexists(move.source):
        return _same_bytes(move.source, move.target)
    return status(move.target).split()[:2] == move.before.split()[:2]


def _unchanged(file: Path, then: str, sum_: str) -> bool:
    """Whether a file is unchanged, by its status or, if a hash is known, by its bytes."""
    now, before = status(file).split(), then.split()
    if not now or not before or now == before:
        return bool(now and before)
    if now[:2] != before[:2]:
        return False
    return file_sha256(file) == sum_ if sum_ else now[3:] == before[3:]


def _same_file(one: Path, other: Path) -> bool:
    try:
        return not other.is_symlink() and one.samefile(other)
    except OSError:
        return False


def _same_bytes(one: Path, other: Path) -> bool:
    return one.stat().st_size == other.stat().st_size and file_sha256(one) == file_sha256(other)
