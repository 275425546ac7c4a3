"""The place *Models*: versions, export and import, and comparisons of two models."""
