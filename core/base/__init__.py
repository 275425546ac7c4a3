"""What everything stands on and what knows nothing of photos: errors, files, paths, settings, locks, progress."""
