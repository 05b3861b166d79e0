"""Whether memory stays flat while worker and trainer are at work for many histories.

In: a synthetic fleet, and the two services as processes with a broker beside them.
Out: the resident memory of each after every history.
"""
