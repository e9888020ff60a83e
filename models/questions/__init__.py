"""Yes-or-no questions about causes: read into symbols where that can be done, and then calculated.

``world`` reads which variable acts on which, ``figures`` the probabilities that are told, ``asked``
what is to be known, ``effects`` and ``logic`` calculate, ``reader`` goes the whole way. What it
cannot read is left to a language model (``yes_no``).
"""
