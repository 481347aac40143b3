"""The builder: a draft as steps in their order, each with its form. Every page works without scripts."""
