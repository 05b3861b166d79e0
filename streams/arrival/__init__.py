"""First answers: who, of what came before, is a new sample's partner.

In: new samples, sorted by `newcomers`, and the history's store.
Out: partners with probabilities, by the index of a `generation` whose rows are `row_vectors` (`first_round`). What
rows learn from later ones takes effect at counted rows: `neighbourhood`. The one before it is the `held_generation`.
"""
