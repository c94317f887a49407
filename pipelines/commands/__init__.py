"""The command line's commands, a module each: its flags (add_parser) and what it does."""
