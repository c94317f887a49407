"""A model's graph in int8, whose answers are compared before it is given to servers."""
