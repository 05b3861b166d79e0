"""Measurements: what binding is worth, what it costs, and whether a change of the code changed it.

In: recordings with labels that no binding sees (`data_sets`), through the product as it comes (`default_settings`).
Out: a table a command, and its figures as JSON. Each package answers one question; README.md lists the commands.
"""
