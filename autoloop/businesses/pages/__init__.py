"""The HTML door of businesses, contacts, imports and exports."""
