"""What people read of a publication: accounts, lists and figures, each within what its reader may see.

Pages, statements and the terminal show what stands here; none of them asks a publication anything by itself.
Here: who may see which rows (scope.py), the publication that is open (reader.py), and one module per thing
that is read. Not here: how it looks, and what a number is made of (audit/explain).
"""

from __future__ import annotations
