"""Publications: what readers see. Only the package marker lives here; import the modules.

publish.py makes a publication, store.py finds, repairs, prunes and verifies them, manifest.py says what is in
one, content_hash.py says whether two tables hold the same.
"""
