"""How alike two windows are, by what needs no training. Knows no history and no sample.

In: raw windows `[N, T, C]`.
Out: unit rows (`descriptor`, oriented as the sensor is, or tolerant of its `rotation`), likeness at the best `lag`, all
of it together (`window_likeness`) in `standard_units`; a balanced plan (`sinkhorn`); `exact_products`; `ranks`.
"""
