"""The command line's commands, a module each: its settings, and `main`, which carries it out."""
