"""Shapes of businesses, contacts, their vocabulary, imports and exports, in and out."""
