"""The application around the window: its start, one instance, crash reports, and the check of an installation."""
