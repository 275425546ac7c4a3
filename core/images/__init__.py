"""Image files, pixels, preprocessing, and similarity of images."""
