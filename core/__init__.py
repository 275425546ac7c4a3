"""Everything Fovea does, without a window: plain Python, NumPy, Pillow and ONNX Runtime; no Qt anywhere.

classify   image file -> images -> preprocessing -> engine (backbone) -> heads -> prediction -> window, table, report
"""
