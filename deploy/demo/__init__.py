"""`mmbind demo`: the whole loop on real recordings, on this machine.

In: the demo's recordings.
Out: the tables, `report.json` and `report.png`. Start in `demo`; `services` reads what services show,
`evidence` what topics hold.
"""
