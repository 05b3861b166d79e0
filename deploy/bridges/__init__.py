"""Other protocols in: what sensors say over MQTT, cut into windows.

In: the settings, an MQTT broker, topics with placeholders.
Out: `mqtt`: windows in their topics; `metrics`, with counts of what could not be read.
"""
