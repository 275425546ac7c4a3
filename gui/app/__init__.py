"""The application around the window: startup, single instance, crash reports, and the self-check."""

import builtins
import contextlib

with contextlib.suppress(ImportError):  # a damaged installation: the self-check, which is in here, says what is missing
    from PySide6 import QtCore  # noqa: F401

# PySide replaces `__import__` to look for `from __feature__ import`, which is not used here, and reads the source of
# each module that is imported from then on: a tenth to a quarter of their time, and 17 MB.
builtins.__import__ = vars(builtins).get("__orig_import__", builtins.__import__)
