"""What commands put into the topics and read from them.

In: windows (`send`), the settings' broker (`admin`).
Out: records as lines (`tail`), `windows` as they lie there, or `recorded` in a file; the state of all models
(`models_view`), what is known of the `sources`; what is `kept` in other shapes than the settings'. `installation` has
the broker have all that is wanted.
"""
