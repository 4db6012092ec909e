"""May the caller do this? Everything that the local AWS asks of IAM, and ministack does not ask by itself."""
