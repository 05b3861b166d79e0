"""What is remembered of the past, and found in it again.

In: samples, by row number.
Out: shared windows (`store`), nearest vectors (`index`, in pieces of `segment`), the last samples side by side
(`table`), and what a pair of `modality_sets` could teach.
"""
