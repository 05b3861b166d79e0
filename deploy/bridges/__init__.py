"""Other protocols in: what sensors say over MQTT, cut into windows.

In: the settings, an MQTT broker, topics with placeholders (`topic_pattern`).
Out: `mqtt`: windows in their topics, and counts of what could not be read.
"""
