"""Everything Fovea does, without a window: plain Python, NumPy, Pillow and ONNX Runtime; no Qt anywhere.

classify   images -> engine -> models (head, classifier) -> prediction -> window, table, report
folders    jobs (walk -> journal -> classifier -> journal) -> outputs (reports, sorting, keywords)
learn      datasets -> engine (features) -> training (a head, or in the trainer process more) -> evaluation -> models
"""

import os

# Official builds of ONNX Runtime now report to their maker, under an identifier they keep in the person's cache
# folder. Nothing leaves this machine: switched off here, before anything can import it (its Privacy.md, "Disabling").
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

# Heads are fitted by many products too small to be shared between threads: where another program is busy, OpenBLAS's
# threads wait for each other a hundred times longer than they work. `core.training.quick` shares out the large ones.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
