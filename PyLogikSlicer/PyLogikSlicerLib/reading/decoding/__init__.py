"""The process in which files are decoded: client, server, messages, and the limits of what one file may take."""
