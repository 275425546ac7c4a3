"""The place *Models*: versions, what goes out and comes in, and how two of them differ."""
