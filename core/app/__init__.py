"""The program itself, apart from photos: what it is made of, where it is installed, and how well it works here."""
