"""Features of images: computed once by the engine, and kept."""
