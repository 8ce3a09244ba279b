"""The keeper process of an embedded service; app/db/embedded.py starts it. Imports little, for it stays in memory.

Each service has a directory of its own under the data directory, and one keeper that starts the server, restarts it
when it dies and stops it when nobody uses it any more. Whoever uses it holds a file lock, which the kernel gives back
however that process ends: so the count of users is right even after kill -9.
"""
