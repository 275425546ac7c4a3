"""The place *Photos*: the gallery, the inspector, corrections and what is learned from them."""
