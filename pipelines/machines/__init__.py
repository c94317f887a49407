"""Machines, and what a step gets on each of them."""
