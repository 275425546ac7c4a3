"""`python -m gui.widgets [SCALE]`: shows every control, in the light and the dark theme."""

from __future__ import annotations

import os
import sys

from PySide6.QtWidgets import QApplication

from core.base.settings import Theme
from gui.widgets import theme
from gui.widgets.basic import ScrollColumn, button
from gui.widgets.focus_ring import FocusRings
from gui.widgets.gallery import Gallery
from gui.widgets.layouts import LEFT, Placed


def main() -> int:
    """Show the gallery in a window; a scale such as 2 enlarges everything."""
    os.environ["QT_SCALE_FACTOR"] = sys.argv[1] if len(sys.argv) > 1 else "1"
    application = QApplication(sys.argv[:1])
    application.setStyle("Fusion")
    theme.apply(application, Theme.LIGHT)
    FocusRings(application, application)

    def switch() -> None:
        theme.apply(application, Theme.DARK if theme.current() is theme.LIGHT else Theme.LIGHT)

    window = ScrollColumn("Gallery")
    window.show_column(Placed(button("Light or dark", switch), alignment=LEFT), Gallery())
    window.resize(1280, 860)
    window.show()
    return application.exec()


if __name__ == "__main__":
    sys.exit(main())
