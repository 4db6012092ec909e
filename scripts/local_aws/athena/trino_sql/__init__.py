"""Trino's SQL as it is written: words (`lexer`), pieces (`nodes`), and what may stand where (`grammar`)."""
