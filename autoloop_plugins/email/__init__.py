"""Email providers that come with AutoLoop."""
