"""SQLite files and the text in them: what the library and a tracker's index share."""
