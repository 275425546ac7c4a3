"""The installed models: cards' files, heads, versions, variants, import from ONNX, and the classifier over all that."""
