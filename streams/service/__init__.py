"""What every service of ours has around its work: how it comes up and goes, its health, and an eye on the broker.

In: signals, checks, a registry of metrics.
Out: `lifecycle` with the exit codes, `health` over HTTP, `broker_watch`: one line when the broker goes and one when it
is back; the `backoff` between tries; the `folder_lock` of whoever may work in a folder alone; `crash_notes` of the
messages that it must not come back to.
"""
