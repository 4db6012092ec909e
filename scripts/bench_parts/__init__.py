"""What bench.py measures: the function, the questions, and the way from end to end."""
