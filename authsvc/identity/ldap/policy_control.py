"""The password policy control, by which OpenLDAP says what lies behind its answer to a bind.

draft-behera-ldap-password-policy-11, section 6.2, in BER:

    SEQUENCE { warning [0] CHOICE {...} OPTIONAL, error [1] ENUMERATED {...} OPTIONAL }
"""

POLICY = "1.3.6.1.4.1.42.2.27.8.5.1"

_SEQUENCE, _WARNING, _ERROR = 0x30, 0xA0, 0x81
_CHANGE_AFTER_RESET = 2


def must_change(value: object) -> bool:
    """Whether this password opens nothing but its own change. What does not parse says nothing."""
    if not isinstance(value, bytes) or len(value) < 2 or value[0] != _SEQUENCE:
        return False
    rest = value[2:]
    if rest[:1] == bytes([_WARNING]) and len(rest) > 1:
        rest = rest[2 + rest[1] :]
    return rest == bytes([_ERROR, 1, _CHANGE_AFTER_RESET])
