"""Wikitext as the reader of an article sees it: plain text."""
