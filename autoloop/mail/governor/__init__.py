"""What limits the rate of mail."""
