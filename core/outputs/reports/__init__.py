"""Reports on many images in one file, for spreadsheets, programs and people."""
