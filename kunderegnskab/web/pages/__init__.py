"""The pages: a module for each, with a function from what is asked to what its template shows.

Templates of the same name are in templates/; queries belong in kunderegnskab/reading, requests in the frame.
"""
