"""A diagnosis as a page: one HTML file to read, print, mail and keep.

``page.render`` composes what the other files each make of a diagnosis: ``answer`` the top,
``advice`` what to do, ``graph`` (on ``layout`` and ``routes``) the picture, ``timeline`` and
``logs`` (on one ``axis``) what was seen, ``tables`` the numbers. Markup and style are in
``templates``.
"""
