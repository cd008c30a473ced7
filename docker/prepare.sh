#!/bin/sh
# Before a start: gives the folders under /data and what a restore by root left in them to the agent's
# user, and makes the page its token.
# It runs as root, once, with the right to change owners; an engine makes a missing folder root's.
set -eu
umask 077
owner=10001:10001
cd /data

for folder in live paper settings; do
    mkdir -p "$folder"
    chown -h "$owner" "$folder"
    chmod 0700 "$folder"
    # A link is given away and not what it leads to; nor is what is mounted below.
    find "$folder" -xdev ! -user 10001 -exec chown -h "$owner" {} +
done

# What lies in settings are secrets, whoever put them there: the agent's alone, mode 0600.
token=settings/sutradhar_page_control_token
if [ ! -s "$token" ]; then
    head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$token.new"
    mv "$token.new" "$token"
    echo "a token for the levers of the page was made; it lies in $token of the data folder"
fi
find settings -mindepth 1 -maxdepth 1 -type f -exec chown -h "$owner" {} + -exec chmod 0600 {} +
