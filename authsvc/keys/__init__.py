"""Keys that sign registry tokens: certificates, rotation, JWKS, the files of certs_dir.

Private keys are files, public halves are rows. What is signed is not known here.
"""
