"""The window's helper processes, and the messages they exchange with it."""
