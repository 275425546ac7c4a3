"""Everything in Fovea but the window: plain Python, NumPy, Pillow and ONNX Runtime; no Qt.

classify   images -> engine -> models (head, classifier) -> prediction -> window, table, report
folders    jobs (walk -> journal -> classifier -> journal) -> outputs (reports, sorting, keywords)
train      datasets -> engine (features) -> training (a head; more in the trainer process) -> evaluation -> models
"""

import os

# Official builds of ONNX Runtime send telemetry to Microsoft, with an identifier in the user's cache folder. It is
# disabled here, before anything can import ONNX Runtime (its Privacy.md, "Disabling").
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

# Heads are fitted with many small matrix products: if another program is busy, OpenBLAS's threads wait for each other a
# hundred times longer than they work. `core.training.quick` distributes the large products itself.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
