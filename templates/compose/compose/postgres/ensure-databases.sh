#!/bin/sh
# Make a role and a database for every line of databases.txt, where they are missing.
# The password is the name: for development only. In production each service gets its own secret.
set -eu

cd "$(dirname "$0")"

while read -r name; do
  case "$name" in "" | "#"*) continue ;; esac
  psql "$DATABASE_URL" --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --set=name="$name" --file=ensure-database.sql
done <databases.txt
