"""Who is calling: sources of identities, verified passwords remembered, the order of asking.

It answers with a principal or a reason for "no". What the principal may do is not known here.
"""
