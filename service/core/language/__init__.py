"""From text to a checked program."""
