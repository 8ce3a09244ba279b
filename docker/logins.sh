#!/bin/sh
# Run by the postgres image as the owner of a new database. Makes the role every statement of the app runs as, and the
# login of server and worker, which may take that role and nothing else.
set -eu

psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\getenv password SCOVILLE_PASSWORD
CREATE ROLE scoville_app NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
CREATE ROLE scoville_server LOGIN PASSWORD :'password' IN ROLE scoville_app;
SQL
