"""Folders that systems and programs create for themselves, whose content is not classified or moved."""

from __future__ import annotations

from typing import Final

_NAMES: Final = frozenset(
    name.casefold()
    for name in (
        # Synology DSM: thumbnails and attributes; each share's recycle bin and snapshots; working folders.
        *("@eaDir", "#recycle", "#snapshot", "@sharesnap", "@tmp"),
        # QNAP QTS: each share's recycle bin, snapshots and converted copies.
        *("@Recycle", "@Recently-Snapshot", "@Transcode", "@__thumb"),
        # Windows, at the root of each volume: deleted files (Vista and later), restore points and indexes.
        *("$RECYCLE.BIN", "System Volume Information"),
        # e2fsck(8), mklost+found(8): files recovered by a file system check.
        "lost+found",
        # macOS: extended attributes unpacked from a ZIP archive; deleted files on network shares (AFP).
        *("__MACOSX", "Network Trash Folder"),
        # NetApp ONTAP, its snapshots as Windows clients see them.
        "~snapshot",
        # Nextcloud and ownCloud: deleted files and old versions in the data directory.
        *("files_trashbin", "files_versions"),
        # digiKam's trash (DTrash); the FreeDesktop.org trash specification, "$topdir/.Trash"; macOS volumes.
        *(".dtrash", ".Trash", ".Trashes"),
        # The FreeDesktop.org thumbnail specification, before and since version 0.8 in one; Jupyter's copies.
        *(".thumbnails", ".ipynb_checkpoints"),
        # Version control.
        *(".git", ".hg", ".svn"),
    )
)
_NAMES_IN_CAPITALS: Final = frozenset(
    (
        # Windows: deleted files on NTFS up to XP, and on FAT up to Me. In small letters these are ordinary words.
        *("RECYCLER", "RECYCLED"),
        # Sony XAVC S (PRIVATE/M4ROOT/THMBNL): a thumbnail of each clip.
        "THMBNL",
    )
)
_BEGINNINGS: Final = (
    ".trash-",  # The FreeDesktop.org trash specification, "$topdir/.Trash-$uid".
    "appdata_oc",  # Nextcloud and ownCloud: previews.
)
_ENDINGS: Final = (
    # Libraries of Apple's Photos, iPhoto and Aperture, and what migrating them leaves: packages on macOS, else folders.
    *(".photoslibrary", ".photolibrary", ".aplibrary", ".migratedphotolibrary", ".migratedaplibrary"),
    # Adobe Lightroom: previews and smart previews, masks, and the cloud version's library.
    *(".lrdata", ".lrcat-data", ".lrlibrary"),
    # Capture One's catalogues: packages on macOS.
    ".cocatalog",
)


def is_system_folder(name: str) -> bool:
    """Whether a folder of this name belongs to a system or a program.

    Case is ignored, as on most of these systems: Windows writes `$RECYCLE.BIN` on one disk and `$Recycle.Bin` on
    another.
    """
    small = name.casefold()
    return small in _NAMES or name in _NAMES_IN_CAPITALS or small.startswith(_BEGINNINGS) or small.endswith(_ENDINGS)
