#!/bin/sh
# A first workflow through the API: somebody to write to, something to say, and when.
#
#   KEY=al_… W=http://localhost:8080/api/v1/w/acme sh examples/api/first-workflow.sh
#
# Make the key under Settings, API keys, with the scope “write”. Needs curl and jq.
set -eu

: "${KEY:?an API key with the scope write}"
: "${W:?the address of the workspace behind the JSON door, like http://localhost:8080/api/v1/w/acme}"

call() { curl -sS --fail-with-body -X "$1" "$W/$2" -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d "${3:-{\}}"; }

# How mail leaves (here: into the local mailbox, to be read in the dashboard), who writes, who is written to.
call GET "providers" | jq -e '.data | length > 0' > /dev/null ||
  call POST "providers" '{"name": "Local", "provider": "mailbox"}' > /dev/null
call GET "senders" | jq -e '.data | length > 0' > /dev/null ||
  call POST "senders" '{"name": "Grace", "address": "grace@example.org"}' > /dev/null
CONTACT=$(call POST "contacts" '{"email": "ada@example.com", "first_name": "Ada",
  "consent": {"marketing": "granted", "source": "first workflow"}}' | jq -r .data.id)

# What is written.
TEMPLATE=$(call POST "templates" '{"name": "Hello", "subject": "Hello {{ contact.first_name }}", "kind": "markdown",
  "source": "Dear {{ contact.first_name }},\n\nwelcome. Answer this mail whenever you like.\n\nGrace"}' | jq -r .data.id)

# A workflow: one mail, two days for an answer, a tag either way.
WORKFLOW=$(call POST "workflows" '{"name": "Welcome", "triggers": [{"type": "contact_created"}, {"type": "manual"}], "graph": {
  "nodes": [
    {"id": "hello",    "type": "send_email",     "config": {"template_id": "'"$TEMPLATE"'"}},
    {"id": "answer",   "type": "wait_for_event", "config": {"event": "email.replied", "timeout": {"amount": 2, "unit": "days"}}},
    {"id": "answered", "type": "add_tag",        "config": {"tag": "answered"}},
    {"id": "silent",   "type": "add_tag",        "config": {"tag": "silent"}}],
  "edges": [
    {"from": "hello",  "port": "sent",    "to": "answer"},
    {"from": "answer", "port": "next",    "to": "answered"},
    {"from": "answer", "port": "timeout", "to": "silent"}]}}' | jq -r .data.id)

# Check it, publish it, start it for Ada. From now on it starts by itself for everybody new.
call POST "workflows/$WORKFLOW/check" | jq .data
call POST "workflows/$WORKFLOW/publish" '{"note": "First"}' | jq .data
call POST "workflows/$WORKFLOW/enrol" '{"contact_ids": ["'"$CONTACT"'"]}' | jq .data

# Where she stands: the mail went out, and the run waits for an answer.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  STATS=$(call GET "workflows/$WORKFLOW/stats")
  echo "$STATS" | jq -e '.data.nodes.answer.here == 1' > /dev/null && break
  sleep 1
done
echo "$STATS" | jq .data.nodes
