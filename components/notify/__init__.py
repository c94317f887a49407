"""Tells people how a run ended, by a message to a webhook."""
