"""What bench.py measures: the function, the questions, and the whole pipe."""
