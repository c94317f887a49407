"""Files that Beam's workers reach."""
