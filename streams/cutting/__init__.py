"""Raw samples of sensors to windows. Performs no I/O and reads no clock.

In: times and values as a sensor's program has them. Out: windows `[T, C]` at their modality's rate, whole hops apart.
Doors: `samples`, what times and values must be; `cutter`.
"""
