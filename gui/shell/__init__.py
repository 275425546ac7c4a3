"""The main window: the rail, the pages, the menus and what their actions do."""
