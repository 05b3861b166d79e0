"""What frozen encoders are worth to somebody who has a few labels, next to what else can be made of the labels.

In: data sets, whose `people` stream, give labels or are judged on.
Out: `worth`, the accuracy of each arm by number of labels, and `figures` over all of it.
"""
