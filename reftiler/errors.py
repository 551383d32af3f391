"""The error that a wrong value raises (ERROR-001)."""


class TilingError(ValueError):
    """A value breaks a rule of the specification.

    The message names the rule, the values and the way out (ERROR-004). Values of a
    wrong *type* raise ``TypeError`` instead (ERROR-002).
    """
