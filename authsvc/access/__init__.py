"""What they may do: the policy as immutable values, and decisions over it.

Pure but for `store` (rows to values) and `snapshot` (what is held in memory).
"""
