"""The JSON door of mail."""
