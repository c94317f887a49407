"""Object storage, and the local paths that stand for objects in it.

The stages' own ways to it lie with them, as no other stage installs their libraries or asks for
them: patterns and resumed downloads in components/ingest/download, Beam's file systems, which
workers on other machines open, in components/preprocess/storage.
"""
