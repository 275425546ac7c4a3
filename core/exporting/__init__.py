"""A model as one file for other programs, in 8 bits or as LiteRT, and what it loses on the way."""
