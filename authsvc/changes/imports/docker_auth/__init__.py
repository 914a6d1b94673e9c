"""docker_auth's configuration (github.com/cesanta/docker_auth, examples/reference.yml) as grants.

`configuration` reads, `patterns` knows what its patterns mean, `order` what the first match leaves
of a rule, `translation` says which grants a rule is; all pure. `edit` makes the change. Why the
grants are never wider than the rules were is in docs/decisions/0011-first-match-as-grants.md.
"""
