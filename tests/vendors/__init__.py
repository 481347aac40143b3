"""Local stand-ins of mail services: each checks what the real one checks, and answers as it does."""
