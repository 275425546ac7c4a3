"""From image files to pixels to what a backbone reads; and how alike two images look."""
