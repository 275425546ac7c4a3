"""The arguments of `fovea sort`, `keywords` and `watch`. Nothing heavy is imported here."""

from __future__ import annotations

from typing import Final

from core.base.i18n import mark, tr
from core.cli.parsing import Commands, add_command, parse_count, parse_path
from core.outputs.keywords.values import KeywordTarget
from core.outputs.sorting.values import TransferMode

_SORT: Final = mark("""\
Sort the photos of a folder and its subfolders into DEST, with one subfolder per class.

New and changed photos are classified first (see `fovea classify`). Your labels take precedence over
predictions. Photos below the minimum confidence and unknown photos go to DEST/unsure; unreadable ones
stay where they are. With a multi-label model, a photo goes to the folder of its most likely class,
and one without any class to DEST/unsure; P does not apply. The subfolders of FOLDER are recreated in
each class folder, unless --flat is given.

With --groups, class folders are in those of their groups, if the model has some. A photo below the
minimum confidence then goes to the folder of the narrowest group that reaches it and 80%.

Nothing in DEST is overwritten: if a name is taken, the photo is named "photo (2).jpg"; if DEST
already has an identical copy, the photo stays. --dry-run shows every step and changes nothing.

Files that belong to a photo go with it and get its new name: sidecars (photo.jpg.xmp, photo.xmp), the
movie of a Live Photo (photo.mov, photo.mp4), Apple's edits (photo.aae) and the raw file next to it. A
file that several photos share, such as photo.jpg and photo.heic, stays and is reported.

copy      keeps times and permissions (default)
hardlink  a second name for the same file, on the same disk
symlink   a link to the photo; relative if both are on the same disk and in the same parent folder
move      to another disk: copied, compared, and only then removed

Every step is recorded in FOVEA_HOME before and after it is done. An interrupted sorting can be
resumed with --continue or undone with --undo. --undo also works later; it leaves files that have
changed since and reports them. Without an ID, both apply to the latest sorting; --list shows all.

Exit code: 0 everything was sorted or undone, or there was nothing to sort, 1 some photos were not,
2 nothing could start.
""")
_KEYWORDS: Final = mark("""\
Write the class of each photo in FOLDER into its metadata, as a keyword for photo managers.

FOLDER is classified first, as by `fovea classify FOLDER`; only new and changed photos are computed.
Give the same --model, --crop and --count as there; otherwise all photos are computed again.
Your labels take precedence over predictions. Photos below the minimum confidence T get no keyword or,
with --unsure, the keyword "unsure". With a multi-label model, T does not apply: a photo gets a keyword
for each class that it has.

--sidecar   write to photo.jpg.xmp next to photo.jpg, which is not changed (default). digiKam,
            darktable, Immich and PhotoPrism read these files; Lightroom does not for JPEG. A new
            sidecar starts as a copy of photo.xmp or of the photo's own metadata, so that programs
            that prefer sidecars lose nothing
--in-place  write into the photo: JPEG, PNG, WebP, TIFF, GIF, AVIF and HEIC. The pixels do not change.
            Files that cannot store keywords or are read-only get a sidecar, with the reason shown

A bird becomes bird in dc:subject, Fovea|bird in lr:hierarchicalSubject and Fovea/bird in
digiKam:TagsList. Fovea records its keywords in the file, so that a later run replaces only those;
your own keywords are kept, even if they are the same word. --remove removes all keywords of Fovea.

Needs exiftool: install the package libimage-exiftool-perl, or see https://exiftool.org.

Exit code: 0 all keywords were written, 1 some photos could not be read or written, 2 nothing could
start.
""")
_WATCH: Final = mark("""\
Classify photos as they arrive in FOLDER, until you press Ctrl+C.

This uses the same job as `fovea classify FOLDER`: photos that arrived while nothing was watching are
classified at the start; those classified before FOLDER was first watched are not reported again. A
photo is classified once it is complete: unchanged for 2 seconds, or for 30 seconds if it is empty or
truncated. If FOLDER, its disk or its network share disappears, a message says so, and watching
resumes when it is back.

Each prediction is printed as one line, or appended to FILE: as CSV if its name ends in .csv or .tsv,
otherwise as JSON lines. With --keywords the class is also written as a keyword (see `fovea
keywords`). With --sort-to the photo is sorted into a class folder in DEST, or into "unsure" below the
minimum confidence; each batch of photos is a sorting that you can undo. --flat and --groups work as
in `fovea sort`. If watching is interrupted before a photo is marked as done, the next run reports
that photo again; none is skipped.

Exit code: 0 stopped with Ctrl+C, 2 watching could not start or continue.
""")


def add_sort(commands: Commands) -> None:
    """Add `fovea sort`."""
    parser = add_command(commands, "sort", tr("sort photos into class folders, or undo that"), tr(_SORT))
    parser.add_value("folder", "FOLDER", tr("folder of photos"), parse_path, nargs="?")
    parser.add_value("--to", "DEST", tr("folder for the class folders; created if missing"), parse_path)
    parser.add_choice("--by", TransferMode, tr("how to transfer photos (default: copy)"), TransferMode.COPY)
    parser.add_threshold("P")
    parser.add_flag("--flat", tr("do not recreate subfolders"))
    parser.add_flag("--groups", tr("put class folders into those of their groups: animal/bird/owl"))
    parser.add_flag("--dry-run", tr("show every step, change nothing"))
    parser.add_value(
        "--model", "M", tr("model to use (default: the one that classified the folder, otherwise the model in use)")
    )
    parser.add_provider()
    parser.add_patterns()
    action = parser.add_mutually_exclusive_group()
    parser.add_value("--undo", "ID", tr("undo a sorting"), nargs="?", const="", group=action)
    parser.add_value(
        "--continue", "ID", tr("resume an interrupted sorting"), dest="resume", nargs="?", const="", group=action
    )
    parser.add_flag("--list", tr("list all sortings"), group=action)
    parser.add_format("json")


def add_keywords(commands: Commands) -> None:
    """Add `fovea keywords`."""
    parser = add_command(commands, "keywords", tr("write keywords into the metadata of photos"), tr(_KEYWORDS))
    parser.add_value("folder", "FOLDER", tr("folder of photos"), parse_path)
    group = parser.add_mutually_exclusive_group()
    for option, target, text in (
        ("--sidecar", KeywordTarget.SIDECAR, tr("write next to each photo")),
        ("--in-place", KeywordTarget.PHOTO, tr("write into each photo")),
    ):
        group.add_argument(option, dest="target", action="store_const", const=target, help=text)
    parser.set_defaults(target=KeywordTarget.SIDECAR)
    parser.add_threshold()
    parser.add_flag("--unsure", tr('write the keyword "unsure" below the minimum confidence'))
    parser.add_flag("--keep-time", tr("keep the modification time of photos"))
    parser.add_flag("--dry-run", tr("show what would be done, change nothing"))
    parser.add_flag("--remove", tr("remove the keywords of Fovea instead; classifies nothing"))
    parser.add_value("--model", "M", tr("model to use (default: the model in use)"))
    parser.add_detection()
    parser.add_flag("--recursive", tr("include subfolders"))
    parser.add_patterns()
    parser.add_format("jsonl")


def add_watch(commands: Commands) -> None:
    """Add `fovea watch`."""
    parser = add_command(commands, "watch", tr("classify photos as they arrive in a folder"), tr(_WATCH))
    parser.add_value("folder", "FOLDER", tr("folder to watch"), parse_path)
    parser.add_flag("--recursive", tr("include subfolders"))
    parser.add_patterns()
    parser.add_value("--model", "M", tr("model to use (default: the model in use)"))
    parser.add_detection()
    parser.add_value("--top", "K", tr("number of classes to report for each image"), parse_count)
    parser.add_value("--output", "FILE", tr("append the results to FILE"), parse_path)
    parser.add_choice("--keywords", KeywordTarget, tr("also write keywords"))
    parser.add_value("--sort-to", "DEST", tr("also sort into class folders in DEST"), parse_path)
    parser.add_choice("--by", TransferMode, tr("how to transfer photos (default: copy)"), TransferMode.COPY)
    parser.add_flag("--flat", tr("sort without recreating subfolders"))
    parser.add_flag("--groups", tr("put class folders into those of their groups: animal/bird/owl"))
    parser.add_threshold()
    parser.add_flag("--unsure", tr('write the keyword "unsure" below the minimum confidence'))
    parser.add_report_format("table", "jsonl", "csv")
