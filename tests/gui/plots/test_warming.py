"""The window never waits for the imports of the plots."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]

WARM = """
import sys, threading
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication
import gui.plots, gui.plots.values
assert not {"numpy", "pyqtgraph"} & set(sys.modules), "cheap to import"
application, parent = QApplication([]), QObject()
hooks = sys.excepthook, threading.excepthook, sys.getswitchinterval()
def ready():
    assert threading.current_thread() is threading.main_thread()
    assert (sys.excepthook, threading.excepthook, sys.getswitchinterval()) == hooks
    known = set(sys.modules)
    from gui.plots.curves import LearningCurves
    from gui.plots.matrix import ConfusionMatrix
    from gui.plots.bars import ClassBars
    from gui.plots.calibration import CalibrationPlot
    assert set(sys.modules) == known, "nothing left to import"
    assert "OpenGL" not in sys.modules
    LearningCurves()
    print("warm")
    application.quit()
gui.plots.warm(parent, ready)
assert "pyqtgraph" not in sys.modules, "it does not wait"
QTimer.singleShot(60000, application.quit)
application.exec()
"""


def test_warming_imports_everything_in_the_background() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WARM], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.stdout.split() == ["warm"], done.stderr
