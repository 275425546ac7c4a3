"""Work outside the window's thread: the clients of helper processes, and the way back into the window's thread."""
