"""The place *Folders*: folder jobs, their results, and exports."""
