"""Jobs: the classification of a folder of any size, and the journal that each keeps of every image."""
