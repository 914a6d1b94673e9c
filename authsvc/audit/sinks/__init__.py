"""Where copies of audit records go: one file for each kind of sink, strangers to each other.

A sink takes lines and knows nothing of the log, of cursors and of other sinks.
"""
