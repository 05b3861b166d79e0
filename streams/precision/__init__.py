"""How often binding is right, told without labels.

In: how alike a table's samples are, and what the modalities that do not bind say of it (`witnesses`).
Out: an estimate with its interval (`figures`), a `calibration` that gives each pair a confidence, and which
`comparison` of windows suits the data.
"""
