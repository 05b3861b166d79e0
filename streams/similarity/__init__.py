"""How alike two windows are, by what needs no training. Knows no history and no sample.

In: raw windows `[N, T, C]`.
Out: unit rows (`descriptor`, in a sensor's axes or by `rotation` in the window's own), likeness at the best `lag`,
all of it together (`window_likeness`) in `standard_units`; a balanced plan (`sinkhorn`); `exact_products`.
"""
