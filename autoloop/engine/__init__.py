"""The engine: runs of contacts through versions of workflows, from rows that are due."""
