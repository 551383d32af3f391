"""The one error that a wrong value raises."""


class TilingError(ValueError):
    """A value breaks a rule of the specification.

    The message names the rule, the values and the way out. Values of a wrong
    *type* raise ``TypeError`` instead.
    """
