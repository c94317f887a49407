"""Kept files: written whole or not at all, and read with every error explained."""
