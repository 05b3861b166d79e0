"""What a run was worth: figures next to chance and to controls.

In: a finished run, that is samples, Bindings and weights (`assessment`), with `controls` trained beside it.
Out: the `report`, from `pair_figures` and retrieval, and its `picture`.
"""
