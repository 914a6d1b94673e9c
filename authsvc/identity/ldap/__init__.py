"""People in an LDAP directory or Active Directory.

`provider` is what the rest of the service sees. Below it, in the order of dependence: `people` and
`groups` know what to ask a directory, `servers` whom to ask, `link` how; ldap3 is known in `link`
and `tls` alone.
"""
