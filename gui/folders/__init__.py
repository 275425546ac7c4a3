"""The place *Folders*: classifications of whole folders, their results, and what is made of them."""
