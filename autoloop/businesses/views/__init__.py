"""The JSON door of businesses, contacts, their vocabulary, imports and exports."""
