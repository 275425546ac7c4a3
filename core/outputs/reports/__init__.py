"""What came of many images as one file: for spreadsheets, for programs, for people."""
