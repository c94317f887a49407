"""The Beam graphs, and the runners that they run on."""
