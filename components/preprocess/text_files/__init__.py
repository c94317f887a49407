"""Text of a user's own: plain text, JSON lines and Parquet."""
