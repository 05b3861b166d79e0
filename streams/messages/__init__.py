"""What travels: records to bytes and back, one or many in a message.

In: records, and any bytes at all.
Out: a `message` as it was read; records of a `codec`, `checked`; `rejects` with their reason; messages to write
(`outbox`); `topic_names`; the `scaling_key`; what `text` may be; whose `signature` a message bears.
"""
