"""One live screen: nodes, rates, pairs, versions, and the one thing to do next.

In: the topics `samples`, `pairs`, `rejects`, `models` and `followers`, and what worker and trainer say over HTTP
(pages); of a stream too busy to read whole, the newest part.
Out: one picture (`picture`), with one sentence of advice, live or once (`live`): as a screen or text (`screen`), as
plain lines or for programs (`told`).
"""
