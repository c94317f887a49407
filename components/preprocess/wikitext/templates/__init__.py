"""What templates show to a reader."""
