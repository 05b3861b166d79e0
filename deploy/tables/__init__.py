"""Tables of raw samples: what sensors logged, a row a moment, in CSV or Parquet.

In: a file, and `columns`: what its columns are, where somebody says so; the units of `times`.
Out: `samples`: times and values of each node and modality, with what was understood; the file's kinds, of `table`.
"""
