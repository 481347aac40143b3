"""The one-command stack: a private PostgreSQL, a Redis-protocol server and the supervisor over them."""
