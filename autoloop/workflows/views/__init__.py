"""The JSON door of workflows."""
