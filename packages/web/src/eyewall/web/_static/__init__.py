"""Static files: the handler, what is kept of them in memory, and the settings that serve a folder."""
