"""The training wizard: from a folder of photos to a model in four steps."""
