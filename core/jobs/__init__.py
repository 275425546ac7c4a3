"""Jobs, which classify folders of any size, and the journals that record the results of every image."""
