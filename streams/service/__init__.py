"""What every service of ours has around its work: health, and an eye on the broker.

In: checks, a registry of metrics.
Out: `health` over HTTP; `broker_watch`, one line when the broker goes and one when it is back.
"""
