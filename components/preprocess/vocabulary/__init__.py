"""The vocabulary of word pieces, learned from the words of a corpus."""
