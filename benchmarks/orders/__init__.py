"""Whether binding is as good in any order of the stream as in a shuffled one, and a later answer as good as the first.

In: samples of all data sets, in four orders.
Out: how many best partners are right, on arrival and after all later answers. Doors: `streams`, the samples in orders,
and `outcome`, what became of them.
"""
