"""Interface: the command line. A file per group of commands: parse, call, print.

Heavy imports stand inside functions, so that `authsvc --help` is quick.
"""
