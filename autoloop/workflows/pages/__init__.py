"""The HTML door of workflows. Every page works without scripts."""
