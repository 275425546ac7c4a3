"""Work outside the main thread: clients of the helper processes, background threads, and dispatch back to it."""
