"""The application around the window: startup, single instance, crash reports, and the self-check."""
