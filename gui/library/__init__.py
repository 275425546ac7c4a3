"""Models in the window: their versions, what goes out and comes in, and how two of them differ."""
