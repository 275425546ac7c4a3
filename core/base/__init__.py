"""The basis of everything, without knowledge of photos: errors, files, paths, settings, locks, progress."""
