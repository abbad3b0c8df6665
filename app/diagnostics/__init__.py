"""What the program measures of itself, for people: a section of the sidebar, a text to copy, a part of a session."""
