"""From paragraphs to sentences."""
