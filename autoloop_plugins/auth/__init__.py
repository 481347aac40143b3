"""Ways to sign in that come with AutoLoop."""
