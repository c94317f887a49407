"""The files of a dump, and the pages in them."""
