"""Named limits: on wrong passwords (`failures`) and on token requests (`requests`).

Requests are counted by the `limits` library. Wrong passwords are counted as different ones, and
each together with its account and its address or not at all; the library counts hits, key by key,
so that sort of window is our own (`windows`, in memory, and `redis_windows`). Both keep counting
in this process when Redis is away.
"""
