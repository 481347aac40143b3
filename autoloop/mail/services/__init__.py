"""What mail can do: its only writers."""
