"""What could not be used: looked at, and sent again after the fix.

In: the topic of rejects, and filters (`record`).
Out: the newest of them (`listing`); each once more in its topic (`resend`).
"""
