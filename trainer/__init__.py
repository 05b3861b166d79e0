"""From Binding to published model."""
