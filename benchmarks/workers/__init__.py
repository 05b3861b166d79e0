"""What it costs to share binding over several workers, next to one that binds whatever their number.

In: samples of UTD-MHAD, shuffled, as they are and as six crops of each.
Out: how many best partners are right in the latest answers, by workers and by partitions of `samples`.
"""
