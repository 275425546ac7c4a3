"""The installed models: files, heads, versions, variants, ONNX import and export, and the classifier."""
