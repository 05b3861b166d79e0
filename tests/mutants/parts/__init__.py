"""Mutations, a part of the product a file."""
