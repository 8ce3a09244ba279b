"""An independent computation of every analytics answer, from exported facts and the words of SEMANTICS.md alone.

DuckDB and the standard library; nothing of the app is imported here, and a test sees to it. Where the two disagree, one
of them does not do what the page says.
"""
