"""Training: from a dataset to a model in the library."""
