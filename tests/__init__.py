"""Tests, one file for each module, and the end-to-end ones."""
